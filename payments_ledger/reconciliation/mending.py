"""Writes damaged rows anew: the event's own row, through the sink's code, at a time that also beats a later hand.

The time is that of PostgreSQL's primary, which gives events their booking times. For rows that never change any time
after the damage is right. The rows of a payment's latest state are overwritten by its next event, so there the time
must lie below the booking time of every event that this repair did not see: see `_barrier`.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db import connection

from core.payments.selectors import watermark
from core.payments.selectors.payments import recorded_seqs
from core.payments.services import recording
from payments_ledger import history, writing
from payments_ledger.pace import Pace
from payments_ledger.reconciliation.repair_audit import RepairAudit
from payments_ledger.reconciliation.stored_rows import (
    LATEST_STATE,
    Damage,
    damaged,
    lasting_rows,
    latest_rows,
    newest_write_us,
)
from payments_ledger.rows import EventRows, microseconds

Key = tuple[UUID, int]

# How long a transaction that was open when the repair began may keep the latest state of payments from being mended.
BARRIER_SECONDS_MAX = 15.0
POLL_SECONDS = 0.05
# An event that is booked while its payment is being mended is waited for this many times.
LATEST_ROUNDS = 5
LATEST_ROUND_SECONDS = 0.2


@dataclass(slots=True)
class Mended:
    """What mending found. `written` were damaged and are written, or would be but for a dry run.

    `resisting` of them are not right even so; `waiting` are payments whose latest state could not be judged.
    """

    written: list[Damage] = field(default_factory=list)
    resisting: list[Damage] = field(default_factory=list)
    waiting: set[UUID] = field(default_factory=set)


def mend(keys: Sequence[Key], *, pace: Pace, audit: RepairAudit | None) -> Mended:
    """Compare every row of these events, and of their payments' latest state, and write those that are damaged.

    Without `audit` nothing is written. Rows that are right are not written, so a second call writes none. Events that
    Cassandra has not acknowledged yet are written as well and recorded_seq follows. `waiting` names the payments whose
    latest state could not be judged, because an event of theirs was still on its way. Raises LedgerUnavailable.
    """
    result = Mended()
    events = list(history.events_with_keys(keys))
    payments = {event.payment_id for event in events}
    _mend_lasting(events, result, pace=pace, audit=audit)
    result.waiting = payments
    for round_number in range(LATEST_ROUNDS):
        if round_number:
            time.sleep(LATEST_ROUND_SECONDS)
        _mend_lasting(_unrecorded_events(result.waiting), result, pace=pace, audit=audit)
        result.waiting = _mend_latest(result.waiting, result, pace=pace, audit=audit)
        if not result.waiting:
            break
    if audit is not None:
        result.resisting = _still_damaged(result.written)
    return result


def _mend_lasting(events: Sequence[EventRows], result: Mended, *, pace: Pace, audit: RepairAudit | None) -> None:
    damages = damaged(list(lasting_rows(events)))
    if audit is None:
        known = {(damage.wanted.table, damage.wanted.key) for damage in result.written}
        result.written += [each for each in damages if (each.wanted.table, each.wanted.key) not in known]
        return
    now_us = microseconds(_primary_now())
    # These rows never change, so they may be written above whatever stands there, even by a clock that ran ahead.
    times = [max(now_us, 0 if each.is_missing else newest_write_us(each.wanted) + 1) for each in damages]
    _write(damages, times, result, pace=pace, audit=audit)
    recording.advance(pairs=sorted((event.payment_id, event.seq) for event in events))


def _mend_latest(payment_ids: set[UUID], result: Mended, *, pace: Pace, audit: RepairAudit | None) -> set[UUID]:
    """Mend the latest state of those payments that are wholly recorded; the others are returned."""
    if not payment_ids:
        return set()
    moment = _barrier()
    if moment is None:
        return payment_ids
    newest = list(history.newest_events(payment_ids))
    recorded = recorded_seqs(payment_ids)
    due = [event for event in newest if audit is None or recorded.get(event.payment_id, 0) >= event.seq]
    damages = damaged(list(latest_rows(due)))
    if audit is None:
        result.written += damages
    else:
        # Never below the event's own time: after a clock was put back that would lose to an older state.
        times = [max(microseconds(moment), each.wanted.event.write_timestamp_us) for each in damages]
        _write(damages, times, result, pace=pace, audit=audit)
    return payment_ids - {event.payment_id for event in due}


def _write(damages: Sequence[Damage], times: Sequence[int], result: Mended, *, pace: Pace, audit: RepairAudit) -> None:
    for portion in pace.portions(list(zip(damages, times, strict=True))):
        audit.note_before([damage for damage, _ in portion], [timestamp_us for _, timestamp_us in portion])
        writing.rewrite((damage.wanted.table, damage.row_to_write(), timestamp_us) for damage, timestamp_us in portion)
        result.written += [damage for damage, _ in portion]


def _barrier() -> datetime | None:
    """A moment of the primary's clock such that every event booked before it is visible now; None if none came in time.

    An event that is not visible yet is booked after this moment, so the sink will write its state with a higher
    timestamp than a repair at this moment, whichever of the two is written first.
    """
    moment = _primary_now()
    deadline = time.monotonic() + BARRIER_SECONDS_MAX
    while watermark.oldest_in_progress() <= moment:
        if time.monotonic() > deadline:
            return None
        time.sleep(POLL_SECONDS)
    return moment


def _primary_now() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (moment,) = cursor.fetchone()
    return moment


def _unrecorded_events(payment_ids: set[UUID]) -> list[EventRows]:
    """What these payments have beyond recorded_seq: an event that was lost, or one on its way."""
    recorded = recorded_seqs(payment_ids)
    newest = {event.payment_id: event.seq for event in history.newest_events(payment_ids)}
    keys = [
        (payment_id, seq)
        for payment_id, newest_seq in newest.items()
        for seq in range(recorded.get(payment_id, 0) + 1, newest_seq + 1)
    ]
    return list(history.events_with_keys(keys))


def _still_damaged(written: Iterable[Damage]) -> list[Damage]:
    """What was written and is not so now, except where a newer event has taken the place since."""
    return [
        damage
        for damage in damaged([each.wanted for each in written])
        if damage.wanted.table not in LATEST_STATE or _is_newest(damage.wanted.event)
    ]


def _is_newest(event: EventRows) -> bool:
    return all(newest.seq == event.seq for newest in history.newest_events([event.payment_id]))


def batches_of(keys: Iterable[Key], size: int) -> Iterator[list[Key]]:
    """The keys in lists of at most `size`, each key once within its list."""
    batch: dict[Key, None] = {}
    for key in keys:
        batch[key] = None
        if len(batch) == size:
            yield list(batch)
            batch = {}
    if batch:
        yield list(batch)
