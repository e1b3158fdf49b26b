"""One verification: watermark, digests on both sides, comparison, and the keys where blocks differ."""

import time
from collections.abc import Mapping
from datetime import date
from typing import Any

import structlog

from payments_ledger.reconciliation import checks, postgres, scope
from payments_ledger.reconciliation.checks import ENTRY, RECORD, STATE, Check
from payments_ledger.reconciliation.classify import add_differences
from payments_ledger.reconciliation.digests import Summary, total_of
from payments_ledger.reconciliation.report import Difference, Kind, Report
from payments_ledger.reconciliation.scope import Block, Scope

logger = structlog.get_logger(__name__)

Summaries = Mapping[Any, Summary]


def verify(*, first_day: date | None = None, last_day: date | None = None, is_deep: bool = True) -> Report:
    """Compare what both stores hold below the watermark, on the days from `first_day` to `last_day` (both included).

    Quick: count, sums and digest of the stored hashes per block, of payment_events and events_by_day. Deep: also every
    PostgreSQL body hashed again and every row of the three tables compared with the one rebuilt from that body, column
    by column. Blocks that differ are always read key by key, every column. Changes nothing in either store.
    Raises LedgerUnavailable or django.db.Error when a store cannot be read; there is no verdict then.
    """
    started = time.monotonic()
    limits, watermark = scope.fix_scope(first_day=first_day, last_day=last_day)
    report = Report(watermark, first_day, last_day, is_deep=is_deep, skipped=list(limits.open_days))
    expected = _expected_deep(limits, report) if is_deep else _expected_quick(limits, report)
    blocks: set[Block | None] = set()
    for check, summaries in expected.items():
        held = checks.summaries(check if is_deep else check.narrowed(), limits)
        report.totals[check.table.name] = total_of(held.values())
        blocks |= held.keys() | summaries.keys()
        unequal = _outside_new_imports(unequal_blocks(summaries, held), limits, report)
        if unequal:
            add_differences(check, limits, unequal, report)
    report.blocks = len(blocks)
    report.seconds = time.monotonic() - started
    logger.info(
        "ledger_verified",
        agrees=report.agrees,
        blocks=report.blocks,
        events=report.totals["postgresql"].count,
        differences=dict(report.counts),
        seconds=round(report.seconds, 3),
    )
    return report


def unequal_blocks(expected: Summaries, held: Summaries) -> set[Any]:
    """The blocks whose summaries differ, or that only one side has."""
    return {block for block in expected.keys() | held.keys() if expected.get(block) != held.get(block)}


def _expected_quick(limits: Scope, report: Report) -> dict[Check, Summaries]:
    summaries = postgres.summaries(limits)
    report.totals["postgresql"] = total_of(summaries.values())
    return {RECORD: summaries, ENTRY: summaries}


def _expected_deep(limits: Scope, report: Report) -> dict[Check, Summaries]:
    """The summaries of the rows that each table should have, from one pass over PaymentEvent."""
    found: dict[Check, dict[Block | None, Summary]] = {RECORD: {}, ENTRY: {}, STATE: {}}
    forms = {check: check.comparable() for check in found}
    for held in postgres.stream(limits):
        if held.problem:
            report.add(
                Difference(
                    kind=Kind.UNREADABLE,
                    table="payments_paymentevent",
                    payment_id=held.payment_id,
                    seq=held.seq,
                    order_id=held.order_id,
                    booking_day=held.block.booking_day,
                    detail=held.problem,
                )
            )
        if held.rows is None:
            continue
        for check, blocks in found.items():
            if check is STATE and not held.is_newest:
                continue
            row = check.expected(held.rows)
            summary = blocks.setdefault(check.block_of(row), Summary())
            checks.add_row(check, summary, forms[check](row))
    report.totals["postgresql"] = total_of(found[RECORD].values())
    return dict(found)


def _outside_new_imports(unequal: set[Any], limits: Scope, report: Report) -> set[Any]:
    """Without the blocks on days of imports that were opened or closed while the stores were being read."""
    if not unequal:
        return unequal
    fresh = [days for days in scope.open_days(since=report.watermark) if days not in limits.open_days]
    report.skipped += [days for days in fresh if days not in report.skipped]
    return {block for block in unequal if block is None or not scope.is_within(block.booking_day, fresh)}
