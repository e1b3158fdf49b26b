"""The sink on a real Cassandra: the same events in any order, number and grouping leave the same rows behind."""

import random
from datetime import timedelta
from uuid import UUID

import pytest
from django.db import transaction

from core.payments.selectors.payments import recorded_seqs
from payments_ledger import session, writing
from payments_ledger.errors import FieldInvalid, KeyMismatch, LedgerUnavailable
from payments_ledger.reconciliation.verify import verify
from payments_ledger.rows import rows_of
from payments_ledger.sink import LedgerProjection
from tests.factories.ledger_events import (
    Message,
    canonical,
    day_of,
    fields,
    history_of_payment,
    insert_history,
    message_of,
    own_noon,
    record,
)


@pytest.fixture
def bodies():
    """Twelve payments of three events each on one day of their own, held by PostgreSQL."""
    noon = own_noon()
    made = [
        body
        for number in range(12)
        for body in history_of_payment(events=3, booked_at=noon + timedelta(minutes=number), amount_minor=100 + number)
    ]
    insert_history(made)
    yield made
    # Other tests of the run wait until every event is recorded: leave none behind.
    record(made)


def stored_bytes(bodies):
    """Every row of the three tables these events have, with its write time."""
    found = []
    for body in bodies:
        order_id, payment_id = UUID(body["order_id"]), UUID(body["payment_id"])
        found += session.lookup(
            "SELECT body, body_sha256, writetime(body) AS written FROM payment_events WHERE order_id = ?", [order_id]
        )
        found += session.lookup(
            "SELECT status, version, updated_at, writetime(status) AS written FROM payments_by_id WHERE payment_id = ?",
            [payment_id],
        )
    return found


def verified(bodies):
    day = day_of(bodies[0])
    return verify(first_day=day, last_day=day)


def test_a_batch_reaches_every_table_and_moves_recorded_seq(bodies):
    record(bodies)

    report = verified(bodies)
    assert report.agrees, report.differences
    assert {store: summary.count for store, summary in report.totals.items()} == {
        "postgresql": 36,
        "payment_events": 36,
        "events_by_day": 36,
        "payments_by_id": 12,
        "payments_by_user_month": 12,
        "payments_by_provider_ref": 0,
    }
    payments = {UUID(body["payment_id"]) for body in bodies}
    assert recorded_seqs(payments) == dict.fromkeys(payments, 3)


def test_replayed_shuffled_and_split_batches_change_nothing(bodies):
    record(bodies)
    before = stored_bytes(bodies)

    shuffler = random.Random(7)
    for _ in range(3):
        part = [body for body in bodies if shuffler.random() < 0.6]
        shuffler.shuffle(part)
        record(part + part[:5])

    assert stored_bytes(bodies) == before
    assert verified(bodies).agrees


def test_events_that_arrive_backwards_end_in_the_newest_state(bodies):
    for body in reversed(bodies):
        record([body])

    assert verified(bodies).agrees


def test_rows_carry_the_booking_time_as_their_write_time(bodies):
    record(bodies[:1])
    body = bodies[0]

    (row,) = session.lookup(
        "SELECT writetime(body) AS written FROM payment_events WHERE order_id = ?", [UUID(body["order_id"])]
    )

    assert row["written"] == rows_of(canonical(body)).write_timestamp_us


def test_an_absent_value_is_left_unset_and_makes_no_tombstone(bodies):
    record(bodies[:1])

    (row,) = session.lookup(
        "SELECT object_id, writetime(object_id) AS written FROM payment_events WHERE order_id = ?",
        [UUID(bodies[0]["order_id"])],
    )

    assert row == {"object_id": None, "written": None}


def test_a_lost_message_is_refetched_from_postgresql(bodies):
    first, second, third = bodies[:3]
    record([first])

    record([third])

    payment_id = UUID(second["payment_id"])
    assert recorded_seqs([payment_id]) == {payment_id: 3}
    record(bodies[3:])
    assert verified(bodies).agrees


def test_a_refetched_event_is_recorded_even_after_a_rolled_back_transaction(bodies):
    sink, payment_id = LedgerProjection(), UUID(bodies[2]["payment_id"])
    batch = [message_of(bodies[2])]

    sink.project(batch)
    with transaction.atomic():
        sink.record(batch)
        transaction.set_rollback(True)
    with transaction.atomic():
        sink.record(batch)

    assert recorded_seqs([payment_id]) == {payment_id: 3}


def test_a_gap_that_postgresql_cannot_fill_does_not_block(bodies):
    stranger = fields(seq=3, booked_at=own_noon())

    record([stranger, *bodies])

    assert recorded_seqs([UUID(stranger["payment_id"])]) == {}
    (row,) = session.lookup("SELECT seq FROM payment_events WHERE order_id = ?", [UUID(stranger["order_id"])])
    assert row["seq"] == 3
    assert verified(bodies).agrees
    _delete_rows_of(stranger)


def _delete_rows_of(body):
    rows = rows_of(canonical(body))
    for cql, values in (
        ("DELETE FROM payment_events WHERE order_id = ?", [rows.order_id]),
        ("DELETE FROM payments_by_id WHERE payment_id = ?", [rows.payment_id]),
        (
            "DELETE FROM events_by_day WHERE booking_day = ? AND payment_type = ? AND bucket = ?",
            [rows.booking_day, rows.payment_type, rows.bucket],
        ),
    ):
        session.lookup(cql, values)


def test_poison_stops_its_batch_before_anything_is_written():
    noon = own_noon()
    good, bad = fields(booked_at=noon), fields(booked_at=noon)
    poison = Message(key=bad["payment_id"], seq=1, value=canonical({**bad, "amount_minor": 1.5}))

    with pytest.raises(FieldInvalid, match="amount_minor"):
        LedgerProjection().project([message_of(good), poison])

    assert session.lookup("SELECT seq FROM payment_events WHERE order_id = ?", [UUID(good["order_id"])]) == []


@pytest.mark.parametrize("key", ["not-a-uuid", "7c9e6679-7425-40de-944b-e07fc1f90ae7"])
def test_a_message_under_a_foreign_key_is_poison(key):
    body = fields(booked_at=own_noon())

    with pytest.raises(KeyMismatch):
        LedgerProjection().project([Message(key=key, seq=1, value=canonical(body))])


def test_while_cassandra_is_away_the_batch_is_refused_as_retryable(bodies, settings):
    session.close()
    settings.LEDGER = {**settings.LEDGER, "PORT": 1}
    try:
        with pytest.raises(LedgerUnavailable) as refusal:
            LedgerProjection().project([message_of(bodies[0])])
    finally:
        session.close()

    assert refusal.value.retryable
    payment_id = UUID(bodies[0]["payment_id"])
    assert recorded_seqs([payment_id]) == {}


def test_many_events_of_one_block_go_in_batches():
    noon = own_noon()
    payment = history_of_payment(events=writing.BATCH_ROWS_MAX * 2 + 1, booked_at=noon)
    insert_history(payment)

    record(payment)

    report = verified(payment)
    assert report.agrees
    assert report.totals["events_by_day"].count == writing.BATCH_ROWS_MAX * 2 + 1
