"""Backfill: whole booking days into Cassandra, oldest first, at the events' own times and at a pace of its own.

For a new keyspace or data centre, and for months that were imported. Block by block: one block is one partition of
events_by_day, so its rows travel in batches. A finished block is remembered in PostgreSQL; a killed backfill is run
again and goes on with the next.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import islice
from uuid import UUID

from django.db import connection

from core import clock
from core.payments.services import recording
from payments_ledger import history, writing
from payments_ledger.models import LedgerBackfill
from payments_ledger.pace import Pace
from payments_ledger.reconciliation.repair import alone
from payments_ledger.reconciliation.scope import Block

LOCK = "payments_ledger.backfill"
BATCH_EVENTS = 1000

_BLOCKS = """
SELECT booking_day, payment_type, bucket, count(*) FROM payments_paymentevent
WHERE booking_day BETWEEN %s AND %s AND (booking_day, payment_type, bucket) > (%s, %s, %s)
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""


@dataclass(frozen=True, slots=True)
class Backfilled:
    """What a backfill wrote in this run, or would write. `resumed_after` is the block after which it went on."""

    backfill_id: UUID | None
    blocks: int
    events: int
    resumed_after: Block | None


def plan(*, first_day: date, last_day: date, is_restart: bool = False) -> Backfilled:
    """What a backfill of these days has still to write. Changes nothing."""
    unfinished = _open_backfill(first_day, last_day)
    done = None if is_restart else _done(unfinished)
    todo = list(_blocks(first_day, last_day, done))
    return Backfilled(unfinished.id if unfinished else None, len(todo), sum(count for _, count in todo), done)


def backfill(
    *,
    first_day: date,
    last_day: date,
    events_per_second: float,
    is_restart: bool = False,
    on_progress: Callable[[Block, int], None] = lambda block, events: None,
) -> Backfilled:
    """Write every event of these days (both included) to every table and advance recorded_seq.

    Goes on where an unfinished backfill of the same days stopped, unless `is_restart`. Writes at the events' own
    timestamps, so what is there already stays as it is. `on_progress` is told after each block. Raises AlreadyRunning
    while another backfill runs, LedgerUnavailable or django.db.Error when a store is away.
    """
    with alone(LOCK, what="backfill"):
        progress = _open_backfill(first_day, last_day) or LedgerBackfill.objects.create(
            first_day=first_day, last_day=last_day
        )
        if is_restart:
            progress.done_day, progress.done_payment_type, progress.done_bucket = None, "", -1
        resumed_after, pace = _done(progress), Pace(events_per_second)
        blocks = events = 0
        for block, _ in _blocks(first_day, last_day, resumed_after):
            written = _write(block, pace)
            blocks, events = blocks + 1, events + written
            progress.done_day, progress.done_payment_type, progress.done_bucket = block
            progress.events += written
            progress.save()
            on_progress(block, events)
        progress.finished_at = clock.now()
        progress.save()
    return Backfilled(progress.id, blocks, events, resumed_after)


def _write(block: Block, pace: Pace) -> int:
    written = 0
    remaining = history.events_of_block(*block)
    while batch := list(islice(remaining, BATCH_EVENTS)):
        for portion in pace.portions(batch):
            writing.write(portion)
            recording.advance(pairs=sorted((event.payment_id, event.seq) for event in portion))
        written += len(batch)
    return written


def _open_backfill(first_day: date, last_day: date) -> LedgerBackfill | None:
    return LedgerBackfill.objects.filter(first_day=first_day, last_day=last_day, finished_at=None).first()


def _done(progress: LedgerBackfill | None) -> Block | None:
    if progress is None or progress.done_day is None:
        return None
    return Block(progress.done_day, progress.done_payment_type, progress.done_bucket)


def _blocks(first_day: date, last_day: date, done: Block | None) -> Iterator[tuple[Block, int]]:
    """The blocks that PostgreSQL holds of these days after `done`, in order, with their numbers of events."""
    with connection.cursor() as cursor:
        cursor.execute(_BLOCKS, [first_day, last_day, *(done or (date.min, "", -1))])
        found = cursor.fetchall()
    for day, payment_type, bucket, count in found:
        yield Block(day, payment_type, bucket), count
