"""rows.py: one body, one set of rows; whatever is not a recordable event is refused by name."""

import hashlib
import json
import re
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.payments.domain.accounts import CHART
from payments_ledger.errors import (
    AccountUnknown,
    BodyUnreadable,
    FieldInvalid,
    HashMismatch,
    KeyMismatch,
    PoisonEvent,
    PostingsUnbalanced,
)
from payments_ledger.rows import microseconds, milliseconds, rows_of
from payments_ledger.tables import EVENTS_BY_DAY, PAYMENT_EVENTS, PAYMENTS_BY_ID
from tests.factories.ledger_events import canonical, fields

PAYMENT = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
ORDER = "0f8fad5b-d9cb-469f-a165-70867728950e"
USER = "7c9e6679-7425-40de-944b-e07fc1f90ae7"


def named(table, row):
    return dict(zip(table.columns, row, strict=True))


def body_without(name):
    body = fields()
    del body[name]
    return canonical(body)


def test_each_table_gets_its_columns_from_the_body():
    booked_at = datetime(2010, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
    body = fields(payment_id=PAYMENT, seq=2, booked_at=booked_at, order_id=ORDER, user_id=USER, provider_ref="ch_1")
    raw = canonical(body)

    rows = rows_of(raw)

    record = named(PAYMENT_EVENTS, rows.record)
    assert record == {
        "order_id": UUID(ORDER),
        "payment_id": PAYMENT,
        "seq": 2,
        "event_id": UUID(body["event_id"]),
        "event_type": "payments.payment.captured.v1",
        "object_id": None,
        "status_after": "captured",
        "amount_minor": 1250,
        "currency": "GBP",
        "user_id": UUID(USER),
        "payment_type": "wallet",
        "provider": "",
        "provider_ref": "ch_1",
        "occurred_at": 1293839999999,
        "booked_at": 1293839999999,
        "booking_day": date(2010, 12, 31),
        "bucket": body["bucket"],
        "postings": {"wallet_liability": 1250, "revenue": -1250},
        "body": raw.decode(),
        "body_sha256": hashlib.sha256(raw).digest(),
        "schema_version": 1,
    }
    state = named(PAYMENTS_BY_ID, rows.state)
    assert (state["version"], state["status"], state["captured_minor"]) == (2, "captured", 1250)
    assert state["updated_at"] == 1293839999999
    entry = named(EVENTS_BY_DAY, rows.entry)
    assert entry["region"] == "GB"
    assert {name: entry[name] for name in entry if name in record} == {
        name: record[name] for name in entry if name in record
    }


def test_write_timestamp_is_booked_at_to_the_microsecond():
    rows = rows_of(canonical(fields(booked_at=datetime(2010, 12, 31, 23, 59, 59, 999999, tzinfo=UTC))))

    assert rows.write_timestamp_us == 1293839999999999


@settings(deadline=None)
@given(moment=st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30)))
def test_milliseconds_are_cut_never_rounded_up(moment):
    moment = moment.replace(tzinfo=UTC)
    back = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds(moment))

    assert timedelta(0) <= moment - back < timedelta(milliseconds=1)
    assert microseconds(moment) // 1000 == milliseconds(moment)


@settings(deadline=None)
@given(
    seq=st.integers(1, 2**31 - 1),
    amount=st.integers(-(2**62), 2**62),
    accounts=st.permutations(sorted({*CHART, "psp_clearing:simulator"} - {"psp_clearing"})),
    text=st.text(max_size=30),
    booked_at=st.datetimes(min_value=datetime(1980, 1, 1), max_value=datetime(2200, 1, 1)),
)
def test_same_body_same_rows_and_a_key_that_only_the_body_decides(seq, amount, accounts, text, booked_at):
    body = fields(
        seq=seq,
        amount_minor=amount,
        booked_at=booked_at.replace(tzinfo=UTC),
        provider_ref=text,
        postings={accounts[0]: amount, accounts[1]: -amount},
    )
    raw = canonical(body)

    first, second = rows_of(raw), rows_of(bytes(raw))

    assert first == second
    assert json.loads(named(PAYMENT_EVENTS, first.record)["body"]) == body
    assert named(PAYMENT_EVENTS, first.record)["provider_ref"] == text


@pytest.mark.parametrize("name", sorted(fields().keys() - {"object_id"}))
def test_a_body_without_a_field_is_refused(name):
    with pytest.raises(FieldInvalid, match=name):
        rows_of(body_without(name))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("amount_minor", 12.5),
        ("amount_minor", "1250"),
        ("amount_minor", True),
        ("amount_minor", 2**63),
        ("seq", 0),
        ("seq", 2**31),
        ("bucket", -1),
        ("currency", "POUND"),
        ("event_type", ""),
        ("region", None),
        ("order_id", "not-a-uuid"),
        ("order_id", ORDER.replace("-", "")),
        ("object_id", 7),
        ("booked_at", "2026-03-01T12:00:00Z"),
        ("booked_at", "2026-13-01T12:00:00.000000Z"),
        ("booking_day", "2026-03-02"),
        ("booking_day", "yesterday"),
        ("postings", [1, -1]),
        ("postings", {"revenue": 0.0}),
        ("postings", {"": 0}),
    ],
)
def test_a_field_of_another_kind_is_refused(name, value):
    with pytest.raises(FieldInvalid):
        rows_of(canonical({**fields(), name: value}))


def test_postings_must_sum_to_zero():
    with pytest.raises(PostingsUnbalanced, match="sum to 1"):
        rows_of(canonical(fields(postings={"wallet_liability": 1250, "revenue": -1249})))


@pytest.mark.parametrize("account", ["revenues", "psp_clearing", "psp_clearing:", "revenue:simulator", "\0"])
def test_an_account_outside_the_chart_is_poison_and_named(account):
    with pytest.raises(AccountUnknown, match=re.escape(repr(account))):
        rows_of(canonical(fields(postings={account: 1250, "revenue": -1250})))


def test_an_event_that_moves_no_money_has_no_postings():
    assert named(PAYMENT_EVENTS, rows_of(canonical(fields(postings={}))).record)["postings"] == {}


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"[]", b"null", b'{"a":', b"{} {}"])
def test_what_is_no_json_object_is_refused(body):
    with pytest.raises(BodyUnreadable):
        rows_of(body)


def test_a_changed_body_is_refused_when_its_hash_is_known():
    raw = canonical(fields())
    changed = raw.replace(b"GBP", b"EUR")

    rows_of(raw, body_sha256=hashlib.sha256(raw).digest())
    with pytest.raises(HashMismatch):
        rows_of(changed, body_sha256=hashlib.sha256(raw).digest())


def test_the_carriers_key_must_be_the_bodys():
    raw = canonical(fields(payment_id=PAYMENT, seq=3))

    rows_of(raw, payment_id=PAYMENT, seq=3)
    with pytest.raises(KeyMismatch):
        rows_of(raw, payment_id=uuid4(), seq=3)
    with pytest.raises(KeyMismatch):
        rows_of(raw, payment_id=PAYMENT, seq=4)


def test_event_id_must_follow_from_payment_and_seq():
    with pytest.raises(KeyMismatch, match="event_id"):
        rows_of(canonical(fields(event_id=str(uuid4()))))


def test_poison_is_never_retryable():
    assert not any(error.retryable for error in (PoisonEvent, FieldInvalid, HashMismatch, KeyMismatch))
