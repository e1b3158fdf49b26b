"""What is done to Cassandra by hand, verify finds: every row, named to its key; and nothing where nothing was done."""

from uuid import UUID, uuid4

import pytest
from cassandra.util import Date

from core.payments.models import ImportBatch
from payments_ledger.reconciliation import report as reports
from payments_ledger.reconciliation.report import Kind
from payments_ledger.reconciliation.verify import verify
from tests.factories.ledger_damage import by_hand
from tests.factories.ledger_events import fields, insert_history, own_noon, record, until_cassandra_answers
from tests.ledger_day import Day, found, key


@pytest.fixture(autouse=True, scope="module")
def _cassandra_is_back():
    until_cassandra_answers()


@pytest.fixture
def day():
    made = Day()
    yield made
    made.mend()


def test_nothing_is_found_where_nothing_was_done(day):
    deep, quick = day.verify(), day.verify(is_deep=False)

    assert (deep.agrees, deep.differences) == (True, [])
    assert (quick.agrees, quick.differences) == (True, [])
    assert deep.totals["postgresql"].count == deep.totals["payment_events"].count == 12
    assert deep.totals["postgresql"].sums == deep.totals["events_by_day"].sums
    assert deep.totals["postgresql"].presence == quick.totals["postgresql"].presence


@pytest.mark.parametrize("table", ["payment_events", "events_by_day"])
def test_a_deleted_row_is_missing(day, table):
    day.delete(table, day.bodies[3])

    for depth in (True, False):
        assert found(day.verify(is_deep=depth)) == [(Kind.MISSING, table, *key(day.bodies[3]))]


def test_a_replay_does_not_bring_a_deleted_row_back(day):
    day.delete("events_by_day", day.bodies[3])

    record(day.bodies)

    assert found(day.verify()) == [(Kind.MISSING, "events_by_day", *key(day.bodies[3]))]


@pytest.mark.parametrize("table", ["payments_by_id", "payments_by_user_month"])
def test_a_deleted_latest_state_is_missing(day, table):
    day.delete(table, day.bodies[3])

    assert found(day.verify()) == [(Kind.MISSING, table, *key(day.bodies[3]))]


def test_a_deleted_reference_is_missing_and_a_changed_one_different(day):
    day.delete("payments_by_provider_ref", day.bodies[0])
    day.change("payments_by_provider_ref", day.bodies[4], "order_id", uuid4())

    report = day.verify()

    table = "payments_by_provider_ref"
    assert found(report) == sorted(
        [(Kind.MISSING, table, *key(day.bodies[0])), (Kind.DIFFERENT, table, *key(day.bodies[4]))]
    )
    assert [list(item.columns) for item in report.differences if item.kind == Kind.DIFFERENT] == [["order_id"]]


@pytest.mark.parametrize("table", ["payment_events", "events_by_day"])
def test_postings_that_do_not_sum_to_zero_are_unbalanced(day, table):
    day.change(table, day.bodies[2], "postings", {"psp_clearing:simulator": 1002, "revenue": -1001})

    report = day.verify()

    assert found(report) == [(Kind.UNBALANCED, table, *key(day.bodies[2]))]
    assert list(report.differences[0].columns) == ["postings"]


def test_a_deleted_block_is_missing_row_by_row(day):
    row = day.row("events_by_day", day.bodies[0])
    block = [row["booking_day"], row["payment_type"], row["bucket"]]
    by_hand("DELETE FROM events_by_day WHERE booking_day = ? AND payment_type = ? AND bucket = ?", block)

    lost = [
        body
        for body in day.bodies
        if [day.rows(body).booking_day, day.rows(body).payment_type, day.rows(body).bucket] == block
    ]
    assert found(day.verify()) == sorted((Kind.MISSING, "events_by_day", *key(body)) for body in lost)


CHANGED_CELLS = [
    ("payment_events", "amount_minor", 999_999),
    ("payment_events", "status_after", "refunded"),
    ("payment_events", "postings", {"wallet_liability": 1, "revenue": -1}),
    ("payment_events", "user_id", uuid4()),
    ("payment_events", "object_id", uuid4()),
    ("payment_events", "provider_ref", None),
    ("payment_events", "occurred_at", 0),
    ("payment_events", "bucket", 3000),
    ("payment_events", "booking_day", Date("2001-01-01")),
    ("payment_events", "booking_day", None),
    ("payment_events", "booked_at", 4_000_000_000_000),
    ("payment_events", "schema_version", 9),
    ("events_by_day", "amount_minor", -1),
    ("events_by_day", "currency", "EUR"),
    ("events_by_day", "region", "FR"),
    ("events_by_day", "order_id", uuid4()),
    ("events_by_day", "postings", None),
    ("events_by_day", "event_type", "payments.payment.failed.v1"),
    ("payments_by_id", "captured_minor", 1),
    ("payments_by_id", "status", None),
    ("payments_by_id", "updated_at", 4_000_000_000_000),
    ("payments_by_id", "payment_type", "card_"),
    ("payments_by_user_month", "refunded_minor", 1),
    ("payments_by_user_month", "status", "refunded"),
    ("payments_by_user_month", "updated_at", 4_000_000_000_000),
    ("payments_by_user_month", "order_id", None),
]


def test_every_changed_cell_is_found_with_its_row_and_its_column(request):
    day = Day(payments=len(CHANGED_CELLS))
    request.addfinalizer(day.mend)
    damaged = day.bodies[1::2]
    for body, (table, column, value) in zip(damaged, CHANGED_CELLS, strict=True):
        day.change(table, body, column, value)

    report = day.verify()

    assert found(report) == sorted(
        (Kind.DIFFERENT, table, *key(body)) for body, (table, _, _) in zip(damaged, CHANGED_CELLS, strict=True)
    )
    columns = {str(item.payment_id): list(item.columns) for item in report.differences}
    assert columns == {
        body["payment_id"]: [column] for body, (_, column, _) in zip(damaged, CHANGED_CELLS, strict=True)
    }


@pytest.mark.parametrize(("column", "value"), [("body", '{"amount_minor":1}'), ("body_sha256", bytes(32))])
def test_a_body_that_does_not_fit_its_hash_is_broken(day, column, value):
    day.change("payment_events", day.bodies[2], column, value)

    report = day.verify()

    assert found(report) == [(Kind.HASH_BROKEN, "payment_events", *key(day.bodies[2]))]
    assert list(report.differences[0].columns) == [column]


def test_two_changes_that_cancel_out_are_both_found(day):
    one, other = day.bodies[0], day.bodies[4]
    day.change("events_by_day", one, "amount_minor", one["amount_minor"] + 5)
    day.change("events_by_day", other, "amount_minor", other["amount_minor"] - 5)

    assert found(day.verify()) == sorted((Kind.DIFFERENT, "events_by_day", *key(body)) for body in (one, other))


def test_quick_finds_a_changed_hash_and_a_changed_amount(day):
    day.change("payment_events", day.bodies[0], "amount_minor", 7)
    day.change("events_by_day", day.bodies[1], "body_sha256", bytes(32))

    assert found(day.verify(is_deep=False)) == sorted(
        [
            (Kind.DIFFERENT, "payment_events", *key(day.bodies[0])),
            (Kind.DIFFERENT, "events_by_day", *key(day.bodies[1])),
        ]
    )


def test_an_extra_row_in_a_known_order_is_found(day):
    extra = fields(booked_at=own_noon(), order_id=day.bodies[0]["order_id"], booking_day=str(day.date))
    day.insert("payment_events", day.bodies[0], payment_id=UUID(extra["payment_id"]))

    assert found(day.verify()) == [(Kind.EXTRA, "payment_events", extra["payment_id"], 1)]


STRAY_ROWS = [
    ("payment_events", {"order_id": uuid4()}),
    ("events_by_day", {"payment_type": "unheard_of"}),
    ("events_by_day", {"bucket": 77}),
    ("payments_by_id", {"payment_id": uuid4()}),
    ("payments_by_user_month", {"user_id": uuid4()}),
    ("payments_by_user_month", {"payment_id": uuid4()}),
]


def test_extra_rows_in_partitions_that_postgresql_does_not_know_are_found(day):
    body = day.bodies[1]
    for table, changes in STRAY_ROWS:
        day.insert(table, body, **changes)

    report = day.verify()

    assert report.counts == {Kind.EXTRA: len(STRAY_ROWS)}
    for table, changes in STRAY_ROWS:
        details = [item.detail for item in report.differences if item.table == table]
        assert any(str(value) in detail for value in changes.values() for detail in details)


@pytest.mark.parametrize("table", ["payments_by_id", "payments_by_user_month"])
def test_a_latest_state_that_is_not_the_newest_is_stale(day, table):
    day.insert(table, day.bodies[2])

    assert found(day.verify()) == [(Kind.STALE, table, *key(day.bodies[3]))]


def test_every_difference_is_found_when_there_are_many(day):
    day.delete("payment_events", day.bodies[0])
    day.delete("events_by_day", day.bodies[0])
    day.change("payment_events", day.bodies[7], "currency", "EUR")
    day.change("events_by_day", day.bodies[7], "region", "")
    day.delete("payments_by_id", day.bodies[9])

    assert found(day.verify()) == sorted(
        [
            (Kind.MISSING, "payment_events", *key(day.bodies[0])),
            (Kind.MISSING, "events_by_day", *key(day.bodies[0])),
            (Kind.DIFFERENT, "payment_events", *key(day.bodies[7])),
            (Kind.DIFFERENT, "events_by_day", *key(day.bodies[7])),
            (Kind.MISSING, "payments_by_id", *key(day.bodies[9])),
        ]
    )


def test_more_differences_than_a_report_names_are_still_counted(day, monkeypatch):
    monkeypatch.setattr(reports, "DIFFERENCES_NAMED_MAX", 3)
    for body in day.bodies[:5]:
        day.delete("payment_events", body)

    report = day.verify()

    assert report.counts == {Kind.MISSING: 3, Kind.UNNAMED: 2}
    assert len(report.differences) == 3


def test_an_event_unrecorded_for_more_than_a_minute_is_missing_everywhere():
    noon = own_noon()
    body = fields(booked_at=noon)
    insert_history([body], inserted_seconds_ago=61)
    try:
        report = verify(first_day=noon.date(), last_day=noon.date())
    finally:
        record([body])

    tables = ("payment_events", "events_by_day", "payments_by_id", "payments_by_user_month")
    assert found(report) == sorted((Kind.MISSING, table, body["payment_id"], 1) for table in tables)
    assert verify(first_day=noon.date(), last_day=noon.date()).agrees


def test_an_event_on_its_way_raises_no_alarm():
    noon = own_noon()
    body = fields(booked_at=noon)
    insert_history([body])
    try:
        report = verify(first_day=noon.date(), last_day=noon.date())
    finally:
        record([body])

    assert report.agrees
    assert report.totals["postgresql"].count == 0


def test_days_of_an_open_import_are_skipped_and_named(day):
    day.delete("events_by_day", day.bodies[0])
    batch = ImportBatch.objects.create(id=uuid4(), source="orders.parquet", first_day=day.date, last_day=day.date)
    try:
        report = day.verify()
    finally:
        ImportBatch.objects.filter(id=batch.id).update(state=ImportBatch.State.CLOSED, closed_at=batch.opened_at)

    assert report.agrees
    assert [(skipped.source, skipped.first_day) for skipped in report.skipped] == [("orders.parquet", day.date)]
    assert found(day.verify()) == [(Kind.MISSING, "events_by_day", *key(day.bodies[0]))]
