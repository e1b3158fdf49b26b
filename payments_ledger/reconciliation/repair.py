"""Repair: what differs is mended with the event as PaymentEvent holds it; what PostgreSQL does not know is listed.

One pass mends everything that can be mended; a second run writes nothing. An interrupted run is simply run again: it
compares first and writes only what is not right yet.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

import structlog
from django.db import connection

from core.errors import NotFound
from payments_ledger import history, session
from payments_ledger.errors import AlreadyRunning
from payments_ledger.history import Selection
from payments_ledger.pace import Pace
from payments_ledger.reconciliation.mending import Key, Mended, batches_of, mend
from payments_ledger.reconciliation.repair_audit import RepairAudit
from payments_ledger.reconciliation.report import Difference, Kind, Report
from payments_ledger.reconciliation.verify import verify
from payments_ledger.tables import PAYMENT_EVENTS

logger = structlog.get_logger(__name__)

BATCH_EVENTS = 500
# Every row is counted and audited; so many are kept with their names for the answer.
NAMED_MAX = 1000
LOCK = "payments_ledger.repair"

ADVICE = {
    Kind.EXTRA: "never deleted here: find out who wrote it, and whether PostgreSQL was restored to an earlier moment; "
    "if money did move, book an adjustment and open a ticket",
    Kind.UNREADABLE: "PostgreSQL's own event is damaged: keep both stores as they are and compare with a backup",
}


@dataclass(frozen=True, slots=True)
class Target:
    """What to repair: one payment, or the days from first to last (None: unbounded, so everything by default)."""

    payment_id: UUID | None = None
    first_day: date | None = None
    last_day: date | None = None

    def as_json(self) -> dict[str, str | None]:
        return {
            name: None if value is None else str(value)
            for name, value in (("payment", self.payment_id), ("from", self.first_day), ("to", self.last_day))
        }


@dataclass(slots=True)
class Outcome:
    """What a repair did. `agrees` is whether nothing is left to mend or to look into."""

    is_dry_run: bool
    repair_id: UUID | None = None
    rows: Counter[str] = field(default_factory=Counter)  # table → rows written, or to be written in a dry run
    named: list[dict[str, Any]] = field(default_factory=list)
    resisting: list[str] = field(default_factory=list)
    waiting: set[UUID] = field(default_factory=set)
    advised: list[tuple[Difference, str]] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def agrees(self) -> bool:
        is_done = not (self.resisting or self.waiting or self.advised or self.left)
        return is_done and not (self.is_dry_run and self.rows)

    def add(self, mended: Mended) -> None:
        for damage in mended.written:
            self.rows[damage.wanted.table.name] += 1
            if len(self.named) < NAMED_MAX:
                self.named.append(
                    {
                        "table": damage.wanted.table.name,
                        "payment_id": str(damage.wanted.event.payment_id),
                        "seq": damage.wanted.event.seq,
                        "was": "missing" if damage.is_missing else "different",
                        "columns": [] if damage.is_missing else list(damage.columns),
                    }
                )
        self.resisting += [damage.sentence() for damage in mended.resisting[: NAMED_MAX - len(self.resisting)]]
        self.waiting |= mended.waiting

    def as_json(self) -> dict[str, Any]:
        return {
            "agrees": self.agrees,
            "dry_run": self.is_dry_run,
            "repair_id": str(self.repair_id) if self.repair_id else None,
            "rows": dict(sorted(self.rows.items())),
            "rows_total": self.rows.total(),
            "named": self.named,
            "resisting": self.resisting,
            "waiting": sorted(map(str, self.waiting)),
            "advised": [{**difference.as_json(), "advice": advice} for difference, advice in self.advised],
            "left": self.left,
            "seconds": round(self.seconds, 3),
        }


def repair(
    *,
    target: Target,
    who: str,
    why: str,
    rows_per_second: float,
    is_dry_run: bool,
    on_progress: Callable[[int, int], None] = lambda events, rows: None,
) -> Outcome:
    """Mend what verify names on the target's days, or every row of the target's payment; then compare once more.

    Each row is audited before it is written; a dry run writes to neither store. `on_progress` is told of events looked
    at and rows written. Raises AlreadyRunning while another repair runs, LedgerUnavailable or django.db.Error when a
    store is away: what was mended until then stays, and the same call goes on with the rest.
    """
    started = time.monotonic()
    outcome = Outcome(is_dry_run)
    if target.payment_id and not history.count(Selection(payment_id=target.payment_id)):
        raise NotFound(f"PostgreSQL has no event of payment {target.payment_id}, so there is nothing to repair it from")
    with alone(LOCK, what="repair"):
        report = None if target.payment_id else verify(first_day=target.first_day, last_day=target.last_day)
        audit = None if is_dry_run else RepairAudit(who=who, why=why, arguments=target.as_json())
        outcome.repair_id = audit.repair.id if audit else None
        pace, looked_at = Pace(rows_per_second), 0
        for batch in batches_of(_keys(target, report), BATCH_EVENTS):
            outcome.add(mend(batch, pace=pace, audit=audit))
            looked_at += len(batch)
            on_progress(looked_at, outcome.rows.total())
        _judge(target, report, outcome)
        outcome.seconds = time.monotonic() - started
        if audit is not None:
            audit.finish(rows_written=outcome.rows.total(), outcome=outcome.as_json())
    logger.info(
        "ledger_repaired", repair_id=str(outcome.repair_id), rows=outcome.rows.total(), agrees=outcome.agrees, who=who
    )
    return outcome


def _keys(target: Target, report: Report | None) -> Iterator[Key]:
    """The events to look at: those that the report names; all of the target where it could not name every one."""
    if report is not None and not report.counts.get(Kind.UNNAMED, 0):
        for difference in report.differences:
            if difference.kind not in ADVICE and difference.payment_id is not None and difference.seq:
                yield difference.payment_id, difference.seq
        return
    selection = Selection(first_day=target.first_day, last_day=target.last_day, payment_id=target.payment_id)
    for event in history.events(selection):
        yield event.payment_id, event.seq


def _judge(target: Target, report: Report | None, outcome: Outcome) -> None:
    """Compare once more, and sort what is left into what to look into and what a second run may mend."""
    if target.payment_id is not None:
        outcome.advised = [(stranger, ADVICE[Kind.EXTRA]) for stranger in _strangers(target.payment_id)]
        return
    if outcome.rows and not outcome.is_dry_run:
        report = verify(first_day=target.first_day, last_day=target.last_day)
    assert report is not None
    for difference in report.differences:
        if difference.kind in ADVICE:
            outcome.advised.append((difference, ADVICE[difference.kind]))
        elif not outcome.is_dry_run:
            outcome.left.append(difference.sentence())


def _strangers(payment_id: UUID) -> Iterator[Difference]:
    """Rows of the payment's own orders in payment_events whose sequence numbers PostgreSQL does not have."""
    held = list(history.events(Selection(payment_id=payment_id)))
    known = {event.seq for event in held}
    cql = PAYMENT_EVENTS.select_cql(columns=("seq",), where="order_id = ? AND payment_id = ?")
    for order_id in sorted({event.order_id for event in held}):
        for (seq,) in session.stream(cql, (order_id, payment_id)):
            if seq not in known:
                yield Difference(Kind.EXTRA, PAYMENT_EVENTS.name, payment_id, seq, order_id)


@contextmanager
def alone(name: str, *, what: str) -> Iterator[None]:
    """Hold the advisory lock of this name. Raises AlreadyRunning at once while somebody else does."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [name])
        if not cursor.fetchone()[0]:
            raise AlreadyRunning(f"another {what} is running: wait for it, or stop it")
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [name])
