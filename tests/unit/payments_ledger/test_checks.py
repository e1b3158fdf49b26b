"""What is verified: which rows stand where, which tables, and how much of it is listed at once."""

import pickle
from datetime import UTC, date, datetime
from uuid import UUID

import pytest
from cassandra.util import Date

from payments_ledger.reconciliation import classify, summing
from payments_ledger.reconciliation.checks import (
    CHECKS,
    ENTRY,
    NO_BUCKET,
    RECORD,
    REFERENCE,
    STATE,
    USER_MONTH,
    tables_of,
)
from payments_ledger.reconciliation.digests import Summary
from payments_ledger.reconciliation.report import DIFFERENCES_NAMED_MAX, Difference, Kind, Report
from payments_ledger.reconciliation.scope import Block, Scope
from payments_ledger.rows import rows_of
from tests.factories.ledger_events import canonical, fields

DAY = date(2010, 3, 4)
NOON = datetime(2010, 3, 4, 12, tzinfo=UTC)
EVERYTHING = Scope(watermark_ms=2**42, first_day=None, last_day=None, open_days=())


def event(**changes):
    return rows_of(canonical(fields(booked_at=NOON, payment_type="card", bucket=2, **changes)))


def test_each_row_stands_in_the_block_of_its_event():
    rows = event()

    assert RECORD.place_of(rows.record) == ENTRY.place_of(rows.entry) == Block(DAY, "card", 2)
    assert STATE.place_of(rows.state) == USER_MONTH.place_of(rows.user_month) == Block(DAY, "card", NO_BUCKET)


def test_references_stand_in_a_part_by_the_last_byte_of_the_payment():
    rows = event(payment_id=UUID(int=0x1234), provider="simulator", provider_ref="ch_1")

    assert REFERENCE.place_of(rows.reference) == 0x34


@pytest.mark.parametrize("column", ["booking_day", "payment_type", "bucket"])
def test_a_row_that_has_lost_a_part_of_its_block_stands_in_none(column):
    row = list(event().record)
    row[RECORD.positions[column]] = None

    assert RECORD.place_of(tuple(row)) is None


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)
def test_a_check_can_be_given_to_another_process(check):
    copy = pickle.loads(pickle.dumps(check))

    assert (copy.table, copy.columns, copy.positions) == (check.table, check.columns, check.positions)
    rows = event()
    assert copy.expected(rows) == check.expected(rows)


def test_a_side_table_is_checked_like_the_one_it_is_to_replace():
    side = STATE.of_table("payments_by_id_b")

    assert side.name == "payments_by_id_b"
    assert side.table.select_cql().endswith("FROM payments_by_id_b")
    assert side.is_whole
    assert side.place_of(event().state) == STATE.place_of(event().state)


def test_quick_knows_only_tables_with_hashes():
    assert tables_of(is_deep=True) == tuple(CHECKS)
    assert tables_of(is_deep=False) == ("payment_events", "events_by_day")
    assert tables_of(["events_by_day"], is_deep=False) == ("events_by_day",)
    with pytest.raises(ValueError, match="payments_by_id: a quick verification compares payment_events"):
        tables_of(["payments_by_id"], is_deep=False)


def narrow_row(rows, **changes):
    """As the driver reads it."""
    values = {**dict(zip(RECORD.columns, rows.record, strict=True)), **changes}
    values["booking_day"] = values["booking_day"] and Date(values["booking_day"])
    values["booked_at"] = NOON.replace(tzinfo=None)
    return tuple(values[column] for column in summing.narrowed(RECORD).columns)


def test_narrow_rows_add_up_in_the_block_each_claims():
    one, other = event(), event(amount_minor=7)
    found = {}
    page = [narrow_row(one), narrow_row(other), narrow_row(one, bucket=3), narrow_row(one, booking_day=None)]
    summing._add_narrow_page(found, page, EVERYTHING)

    assert {place: summary.count for place, summary in found.items()} == {
        Block(DAY, "card", 2): 2,
        Block(DAY, "card", 3): 1,
        None: 1,
    }
    assert found[Block(DAY, "card", 2)].sums == {("payments.payment.captured.v1", "GBP"): 1257}


def test_narrow_rows_at_or_after_the_watermark_and_of_other_days_are_left_out():
    at_noon = Scope(int(NOON.timestamp() * 1000), None, None, ())
    another_day = Scope(2**42, date(2010, 3, 5), None, ())

    for scope in (at_noon, another_day):
        found = {}
        summing._add_narrow_page(found, [narrow_row(event())], scope)
        assert found == {}


def test_blocks_are_listed_in_groups_of_bounded_size(monkeypatch):
    monkeypatch.setattr(classify, "ROWS_LISTED_MAX", 100)
    expected = {Block(DAY, "card", bucket): Summary(count=60) for bucket in range(4)}
    held = {Block(DAY, "card", 4): Summary(count=1_000), None: Summary(count=3)}

    groups = list(classify._groups(expected.keys() | held.keys(), expected, held))

    assert sorted(map(len, groups)) == [1, 1, 2, 2]
    assert set().union(*groups) == expected.keys() | held.keys()


def test_when_a_report_is_full_blocks_are_counted_and_no_longer_read(monkeypatch):
    report = Report(NOON, None, None, is_deep=True)
    for number in range(DIFFERENCES_NAMED_MAX):
        report.add(Difference(Kind.MISSING, "payment_events", UUID(int=number), 1))
    lost, edited = Block(DAY, "card", 0), Block(DAY, "card", 1)
    expected = {lost: Summary(count=70), edited: Summary(count=5)}
    held = {lost: Summary(count=3), edited: Summary(count=5, presence=1)}

    classify.add_differences(RECORD, EVERYTHING, {lost, edited}, expected, held, report)

    assert report.counts == {Kind.MISSING: DIFFERENCES_NAMED_MAX, Kind.UNNAMED: 67 + 1}
    assert not report.agrees
