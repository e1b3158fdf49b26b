"""A payment's state folded from its recorded events, by the rules that decided it. Pure: the ledger's own opinion."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.payments.domain.payment_state import EventType, IllegalTransition, PaymentState, next_state
from core.payments.domain.totals import Totals, totals_after

_EVENT_TYPES = {str(event): event for event in EventType}
_STATES = {str(state): state for state in PaymentState}


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """One event as a row of payment_events has it, unproved: any cell may have been changed or emptied by hand.

    Amounts and postings in minor units of `currency`; times in UTC, to the millisecond.
    """

    seq: int
    event_type: str | None
    status_after: str | None
    amount_minor: int | None
    currency: str | None
    object_id: UUID | None
    postings: Mapping[str, int]
    occurred_at: datetime | None
    booked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Folded:
    """What the events amount to. `contradictions` says, for people, where they do not fit each other or the rules."""

    version: int
    status: str | None
    currency: str | None
    totals: Totals
    contradictions: tuple[str, ...]


NOTHING = Folded(0, None, None, Totals(), ())


def fold(events: Sequence[RecordedEvent], *, up_to: int | None = None) -> Folded:
    """The state after these events of one payment, in the order of their sequence numbers; `up_to` leaves later out.

    Never raises: an event that does not fit is told of, and its own word for the state is taken from there on.
    """
    taken = [event for event in events if up_to is None or event.seq <= up_to]
    if not taken:
        return NOTHING
    status: str | None = None
    totals = Totals()
    contradictions: list[str] = []
    for position, event in enumerate(taken):
        previous = taken[position - 1].seq if position else 0
        if event.seq != previous + 1:
            contradictions.append(f"event {previous + 1} is missing")
        if event.currency != taken[0].currency:
            contradictions.append(f"event {event.seq} is in {event.currency}, the first in {taken[0].currency}")
        totals, status, problem = _step(totals, status, event)
        if problem:
            contradictions.append(f"event {event.seq}: {problem}")
    return Folded(taken[-1].seq, status, taken[0].currency, totals, tuple(contradictions))


def _step(totals: Totals, before: str | None, event: RecordedEvent) -> tuple[Totals, str | None, str]:
    """Totals and state after the event, and what is wrong with it."""
    event_type = _EVENT_TYPES.get(event.event_type or "")
    if event_type is None or event.amount_minor is None:
        return totals, event.status_after, f"its type {event.event_type} or amount {event.amount_minor} means nothing"
    totals = totals_after(totals, event_type, event.amount_minor, is_first=event.seq == 1)
    try:
        after = next_state(_STATES.get(before or ""), event_type, remainder_minor=totals.remainder_minor)
    except IllegalTransition as error:
        return totals, event.status_after, str(error)
    if event.status_after != after:
        return totals, event.status_after, f"it says {event.status_after}, and leads from {before} to {after}"
    return totals, str(after), ""
