"""Closes booking days: what both stores agree on is written down once, hashed with all that was closed before.

A day is sealed when the watermark has passed its end, nothing of it is under way (obstacles.py), and a deep
verification found no difference on it. A day without an event is skipped: it has no block to prove, verify still sees
a row that does not belong there, and a later import may book into it.

Why nothing can enter a day while it is being sealed: an ordinary event is booked at the primary's clock, read after its
transaction has a number, and the watermark stays behind every transaction that has one. Only an import batch books into
the past; the last step takes the lock that every such booking shares, looks once more for an open batch, sums up
PostgreSQL's side again and commits the seal, after which the database refuses any event of the day.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

import structlog
from django.db import transaction

from core.payments.selectors import sealed_days
from core.payments.services import sealed_days as closing
from payments_ledger.reconciliation import postgres, scope
from payments_ledger.reconciliation.digests import Summary
from payments_ledger.reconciliation.verify import verify
from payments_ledger.seals import blocks, obstacles, publishing
from payments_ledger.seals.blocks import Recorded
from payments_ledger.seals.days import primary_now, unsealed_days
from payments_ledger.seals.lock import alone
from payments_ledger.seals.seal import FIRST_PREV_SEAL, Seal

logger = structlog.get_logger(__name__)

# One verification covers several days, because it reads payment_events whole whatever the days: at most so many, and
# none that are so far apart that it would mostly read days in between.
DAYS_PER_VERIFICATION = 31
GAP_DAYS_MAX = 7
REASONS_MAX = 50


class Outcome(StrEnum):
    """What became of a day."""

    SEALED = "sealed"
    ALREADY_SEALED = "already_sealed"
    EMPTY = "empty"  # nothing is booked on it
    NOT_YET = "not_yet"  # not over, or something of it is under way
    DIFFERS = "differs"  # the stores do not agree on it


@dataclass(frozen=True, slots=True)
class DayResult:
    """One day, with the reasons why it was not sealed. `seal_no` is 0 unless it is sealed."""

    day: date
    outcome: Outcome
    seal_no: int = 0
    blocks: int = 0
    events: int = 0
    reasons: Sequence[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return {
            "day": str(self.day),
            "outcome": str(self.outcome),
            "seal_no": self.seal_no,
            "blocks": self.blocks,
            "events": self.events,
            "reasons": list(self.reasons),
        }


def seal_day(day: date) -> DayResult:
    """Seal one day. Idempotent; a publication that a crash interrupted is finished first.

    Raises SealingBusy, ChainBroken, LedgerUnavailable, django.db.Error; the next run goes on from any of them.
    """
    with alone():
        publishing.finish_interrupted()
        return next(_seal([day]))


def seal_through(last_day: date, *, first_day: date = date.min) -> Iterator[DayResult]:
    """Seal every day of these that has events and no seal, oldest first; a result for each as it is done.

    A day that cannot be sealed holds up no other: the chain is in the order of sealing. Raises as seal_day() does.
    """
    with alone():
        publishing.finish_interrupted()
        yield from _seal(unsealed_days(last_day, first_day=first_day))


def _seal(days: Sequence[date]) -> Iterator[DayResult]:
    for together in in_groups(days):
        verdicts: dict[date, DayResult | datetime] = {}
        for day in together:
            refusal = _refusal(day)
            if refusal is not None:
                verdicts[day] = refusal
        verdicts.update(_verified([day for day in together if day not in verdicts]))
        for day in together:
            verdict = verdicts[day]
            yield verdict if isinstance(verdict, DayResult) else _close(day, verified_at=verdict)


def in_groups(days: Sequence[date]) -> Iterator[list[date]]:
    """The days, which are in order, in the groups that are verified together."""
    group: list[date] = []
    for day in days:
        is_full = len(group) == DAYS_PER_VERIFICATION
        if group and (is_full or day - group[-1] > timedelta(days=GAP_DAYS_MAX)):
            yield group
            group = []
        group.append(day)
    if group:
        yield group


def _refusal(day: date) -> DayResult | None:
    """Why this day is not to be sealed now; None when it is."""
    if late := obstacles.not_over(day):
        return DayResult(day, Outcome.NOT_YET, reasons=late)
    sealed = sealed_days.seal_no_of(day)
    if sealed:
        return DayResult(day, Outcome.ALREADY_SEALED, sealed)
    if not blocks.blocks_booked(day):
        return DayResult(day, Outcome.EMPTY)
    if reasons := obstacles.under_way(day):
        return DayResult(day, Outcome.NOT_YET, reasons=reasons)
    return None


def _verified(days: Sequence[date]) -> Iterator[tuple[date, DayResult | datetime]]:
    """For each day the watermark of a deep verification that found nothing on it, or what it found.

    One verification for all of them; when it finds anything, or could not see a day's end, one for each.
    """
    if not days:
        return
    report = verify(first_day=days[0], last_day=days[-1])
    if report.agrees and report.watermark >= obstacles.end_of(days[-1]):
        yield from ((day, report.watermark) for day in days)
    elif len(days) > 1:
        for day in days:
            yield from _verified([day])
    elif report.agrees:
        yield days[0], DayResult(days[0], Outcome.NOT_YET, reasons=obstacles.not_over(days[0], report.watermark))
    else:
        found = [difference.sentence() for difference in report.differences[:REASONS_MAX]]
        yield days[0], DayResult(days[0], Outcome.DIFFERS, reasons=found)


def _close(day: date, *, verified_at: datetime) -> DayResult:
    """Read the day once more from both stores, decide its seal in PostgreSQL, and publish it."""
    limits, watermark = scope.fix_scope(first_day=day, last_day=day)
    if late := obstacles.not_over(day, watermark):
        return DayResult(day, Outcome.NOT_YET, reasons=late)
    recorded = blocks.recorded(blocks.blocks_booked(day))
    with transaction.atomic():
        closing.lock_for_sealing()
        if reasons := obstacles.under_way(day, since=verified_at):
            return DayResult(day, Outcome.NOT_YET, reasons=reasons)
        booked = postgres.summaries(limits)
        if reasons := _unequal(booked, recorded):
            return DayResult(day, Outcome.DIFFERS, reasons=reasons)
        seal = _decide(day, booked, recorded)
    publishing.publish(seal, recorded=recorded)
    events = sum(block.event_count for block in seal.blocks)
    logger.info("ledger_day_sealed", booking_day=str(day), seal_no=seal.seal_no, seal_hash=seal.hash().hex())
    return DayResult(day, Outcome.SEALED, seal.seal_no, len(seal.blocks), events)


def _unequal(booked: dict[scope.Block, Summary], recorded: dict[scope.Block, Recorded]) -> list[str]:
    """The blocks whose stored hashes, sums or counts are not the same in both stores."""
    return [
        f"{block.booking_day}: block {block.payment_type}/{block.bucket} changed while it was being sealed: verify it"
        for block in sorted(booked.keys() | recorded.keys())
        if block not in booked or block not in recorded or not blocks.is_same(booked[block], recorded[block].summary)
    ]


def _decide(day: date, booked: dict[scope.Block, Summary], recorded: dict[scope.Block, Recorded]) -> Seal:
    """The step that counts: after this commit the day is sealed, and everything else follows from the row."""
    head = sealed_days.head()
    seal = Seal(
        seal_no=head.seal_no + 1 if head else 1,
        booking_day=day,
        prev_seal=bytes(head.seal_hash) if head else FIRST_PREV_SEAL,
        sealed_at=primary_now(),
        blocks=tuple(blocks.sealed_block(block, recorded[block].summary, booked[block]) for block in sorted(booked)),
    )
    closing.seal_day(
        day=day,
        seal_no=seal.seal_no,
        seal_hash=seal.hash(),
        prev_hash=seal.prev_seal,
        body=seal.body(),
        sealed_at=seal.sealed_at,
    )
    return seal
