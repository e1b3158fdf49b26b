"""Damage done to the ledger by hand, past every service of ours: what verify must find and repair must mend."""

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from core.payments.models import PaymentEvent
from payments_ledger import history, session
from payments_ledger.reconciliation.report import Report
from payments_ledger.rows import EventRows


@dataclass(frozen=True, slots=True)
class Wound:
    """One piece of damage: what was done, and the table and payments that verify must name for it."""

    what: str
    table: str
    payment_ids: frozenset[UUID]

    def is_named_in(self, report: Report) -> bool:
        named = {found.payment_id for found in report.differences if found.table == self.table}
        return self.payment_ids <= named


def do_all(*, first_day: date, last_day: date) -> list[Wound]:
    """Every kind of damage below, each to another payment of these days."""
    wounded: set[UUID] = set()
    wounds = []
    for harm in (_delete_a_row, _edit_a_cell, _edit_a_body, _delete_a_block, _put_a_state_back):
        event = _unhurt_event(first_day, last_day, wounded)
        wound = harm(event)
        wounded |= wound.payment_ids
        wounds.append(wound)
    return wounds


def _unhurt_event(first_day: date, last_day: date, wounded: set[UUID]) -> EventRows:
    held = PaymentEvent.objects.filter(booking_day__range=(first_day, last_day), payment_type="imported")
    key = held.exclude(payment_id__in=wounded).order_by("booked_at", "payment_id").values_list("payment_id", "seq")[0]
    return next(history.events_with_keys([key]))


def _delete_a_row(event: EventRows) -> Wound:
    key = (event.order_id, event.payment_id, event.seq)
    _execute("DELETE FROM payment_events WHERE order_id = ? AND payment_id = ? AND seq = ?", *key)
    return _wound(f"deleted the row of payment {event.payment_id} from payment_events", "payment_events", event)


def _edit_a_cell(event: EventRows) -> Wound:
    _execute(
        "UPDATE events_by_day SET amount_minor = ? WHERE booking_day = ? AND payment_type = ? AND bucket = ?"
        " AND booked_at = ? AND payment_id = ? AND seq = ?",
        event.amount_minor + 1,
        *event.entry[:6],
    )
    return _wound(f"added 0.01 to the amount of payment {event.payment_id} in events_by_day", "events_by_day", event)


def _edit_a_body(event: EventRows) -> Wound:
    key = (event.order_id, event.payment_id, event.seq)
    _execute("UPDATE payment_events SET body = ? WHERE order_id = ? AND payment_id = ? AND seq = ?", "{}", *key)
    return _wound(f"replaced the body of payment {event.payment_id} in payment_events", "payment_events", event)


def _delete_a_block(event: EventRows) -> Wound:
    block = (event.booking_day, event.payment_type, event.bucket)
    _execute("DELETE FROM events_by_day WHERE booking_day = ? AND payment_type = ? AND bucket = ?", *block)
    held = PaymentEvent.objects.filter(
        booking_day=event.booking_day, payment_type=event.payment_type, bucket=event.bucket
    )
    payment_ids = frozenset(held.values_list("payment_id", flat=True))
    name = f"{event.booking_day}, {event.payment_type}, bucket {event.bucket}"
    return Wound(f"deleted the block of {name} with {len(payment_ids)} rows", "events_by_day", payment_ids)


def _put_a_state_back(event: EventRows) -> Wound:
    _execute("UPDATE payments_by_id SET status = ?, version = ? WHERE payment_id = ?", "created", 0, event.payment_id)
    return _wound(f"set payment {event.payment_id} back to version 0 in payments_by_id", "payments_by_id", event)


def _wound(what: str, table: str, event: EventRows) -> Wound:
    return Wound(what, table, frozenset({event.payment_id}))


def _execute(cql: str, *values: Any) -> None:
    session.lookup(cql, values)
