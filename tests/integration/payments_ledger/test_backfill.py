"""Backfill: whole days, oldest first, at the events' own times; killed half way it goes on where it stopped."""

import json
from io import StringIO
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command

from core.payments.selectors.payments import recorded_seqs
from payments_ledger import backfill as backfilling
from payments_ledger import writing
from payments_ledger.backfill import backfill, plan
from payments_ledger.errors import LedgerUnavailable
from payments_ledger.models import LedgerBackfill
from payments_ledger.reconciliation.verify import verify
from payments_ledger.rows import rows_of
from tests.factories.ledger_damage import PaymentsOfADay, by_hand
from tests.factories.ledger_events import canonical, record


@pytest.fixture
def days():
    """Two consecutive days that Cassandra has never heard of."""
    made = [PaymentsOfADay(payments=4, is_recorded=False), PaymentsOfADay(payments=4, is_recorded=False)]
    yield made
    for day in made:
        record(day.bodies)


def backfilled(days, **options):
    return backfill(first_day=days[0].date, last_day=days[-1].date, events_per_second=100_000, **options)


def blocks_of(days):
    return {
        (rows.booking_day, rows.payment_type, rows.bucket)
        for day in days
        for rows in (rows_of(canonical(body)) for body in day.bodies)
    }


def test_every_event_of_the_days_arrives_at_its_own_time_and_is_recorded(days):
    result = backfilled(days)

    assert (result.events, result.blocks) == (16, len(blocks_of(days)))
    report = verify(first_day=days[0].date, last_day=days[1].date)
    assert report.agrees, report.differences
    assert report.totals["payments_by_id"].count == 8
    payments = {UUID(body["payment_id"]) for day in days for body in day.bodies}
    assert recorded_seqs(payments) == dict.fromkeys(payments, 2)
    body = days[0].bodies[0]
    (row,) = by_hand(
        "SELECT writetime(body) AS written FROM payment_events WHERE order_id = ? AND payment_id = ? AND seq = 1",
        [UUID(body["order_id"]), UUID(body["payment_id"])],
    )
    assert row["written"] == rows_of(canonical(body)).write_timestamp_us


def test_killed_half_way_it_goes_on_with_the_next_block(days, monkeypatch):
    seen = []

    def two_blocks(block, pace):
        if len(seen) == 2:
            raise LedgerUnavailable("Cassandra has gone")
        seen.append(block)
        return real(block, pace)

    real = backfilling._write
    monkeypatch.setattr(backfilling, "_write", two_blocks)
    with pytest.raises(LedgerUnavailable):
        backfilled(days)
    monkeypatch.undo()
    planned = plan(first_day=days[0].date, last_day=days[1].date)
    result = backfilled(days)

    assert result.resumed_after == seen[-1] == planned.resumed_after
    assert result.blocks == len(blocks_of(days)) - 2 == planned.blocks
    assert result.backfill_id == planned.backfill_id
    assert verify(first_day=days[0].date, last_day=days[1].date).agrees
    kept = LedgerBackfill.objects.get(pk=result.backfill_id)
    assert (kept.events, kept.finished_at is not None) == (16, True)


def test_a_second_backfill_changes_no_row(days):
    backfilled(days)
    before = [day.stored(with_write_times=True) for day in days]

    backfilled(days)

    assert [day.stored(with_write_times=True) for day in days] == before


def test_a_restart_begins_with_the_first_block(days, monkeypatch):
    monkeypatch.setattr(writing, "write", _gone_after_one(writing.write))
    with pytest.raises(LedgerUnavailable):
        backfilled(days)
    monkeypatch.undo()

    result = backfilled(days, is_restart=True)

    assert (result.events, result.resumed_after) == (16, None)


def _gone_after_one(real):
    calls = []

    def write(events):
        calls.append(None)
        if len(calls) == 2:
            raise LedgerUnavailable("Cassandra has gone")
        real(events)

    return write


def ledger(*arguments):
    output = StringIO()
    call_command("ledger", *arguments, stdout=output)
    return output.getvalue()


def test_a_dry_run_counts_and_writes_nothing(days):
    scope = ["--from", str(days[0].date), "--to", str(days[1].date)]

    dry = json.loads(ledger("backfill", *scope, "--dry-run", "--json"))

    assert (dry["events"], dry["blocks"], dry["backfill_id"]) == (16, len(blocks_of(days)), None)
    assert not LedgerBackfill.objects.filter(first_day=days[0].date).exists()
    assert all(rows == [] for rows in days[0].stored().values())
    assert "16 events in" in ledger("backfill", *scope, "--rate", "2000")


def test_without_days_it_refuses():
    with pytest.raises(CommandError, match="which days"):
        ledger("backfill", "--from", "2001-01-01")
