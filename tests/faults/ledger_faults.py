"""Ways in which the two stores can come to differ, each brought about on a day and told to the last key."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from payments_ledger import writing
from payments_ledger.errors import BodyUnreadable
from payments_ledger.reconciliation.report import Kind
from payments_ledger.sink import LedgerProjection
from tests.factories.ledger_damage import by_hand
from tests.factories.ledger_events import Message, fields, insert_history, record
from tests.ledger_day import Day, keys_in

RECORD, ENTRY, STATE, MONTH, REFERENCE = (
    "payment_events",
    "events_by_day",
    "payments_by_id",
    "payments_by_user_month",
    "payments_by_provider_ref",
)
EVENTS = (RECORD, ENTRY)
LATEST = (STATE, MONTH)
HOUR_US = 3_600_000_000


def a_message_is_lost(day):
    # The last of its payment, so that no later one shows the gap.
    record(day.bodies[:1] + day.bodies[2:])
    return [*keys_in(Kind.MISSING, EVENTS, day.bodies[1]), *keys_in(Kind.STALE, LATEST, day.bodies[1])]


def messages_come_a_hundred_times(day):
    record(day.bodies)
    for _ in range(99):
        record(day.bodies[:3])
    return []


def messages_come_in_another_order(day):
    for body in reversed(day.bodies):
        record([body])
    return []


def a_body_is_poison_on_its_way(day):
    record(day.bodies[:10])
    poison = Message(key=day.bodies[11]["payment_id"], seq=2, value=b'{"amount_minor":')
    with pytest.raises(BodyUnreadable):
        LedgerProjection().project([poison])
    # Its payment is parked, with the event before it in the same batch.
    return [*keys_in(Kind.MISSING, EVENTS, *day.bodies[10:]), *keys_in(Kind.MISSING, LATEST, day.bodies[11])]


def a_cell_is_changed(day):
    record(day.bodies)
    day.change(ENTRY, day.bodies[4], "amount_minor", 1)
    return keys_in(Kind.DIFFERENT, [ENTRY], day.bodies[4])


def a_row_is_deleted(day):
    record(day.bodies)
    day.delete(RECORD, day.bodies[6])
    return keys_in(Kind.MISSING, [RECORD], day.bodies[6])


def a_bucket_is_emptied(day):
    record(day.bodies)
    block = block_of(day, day.bodies[0])
    by_hand("DELETE FROM events_by_day WHERE booking_day = ? AND payment_type = ? AND bucket = ?", block)
    return keys_in(Kind.MISSING, [ENTRY], *(body for body in day.bodies if block_of(day, body) == block))


def a_refund_is_only_in_postgresql(day):
    record(day.bodies)
    paid = day.bodies[3]
    refund = fields(
        **{name: paid[name] for name in ("order_id", "user_id", "payment_created_at", "bucket", "payment_type")},
        payment_id=UUID(paid["payment_id"]),
        seq=3,
        booked_at=datetime.fromisoformat(paid["booked_at"]) + timedelta(minutes=1),
        event_type="payments.refund.succeeded.v1",
        amount_minor=100,
        postings={"wallet_liability": 100, "refunds": -100},
    )
    insert_history([refund], inserted_seconds_ago=61)
    day.bodies += [refund]
    return [*keys_in(Kind.MISSING, EVENTS, refund), *keys_in(Kind.STALE, LATEST, refund)]


def the_bucket_count_changes_mid_day(day):
    """A consumer that counts buckets itself writes one event a second time, into another partition."""
    record(day.bodies)
    moved = day.bodies[2]
    day.delete(ENTRY, moved)
    day.insert(ENTRY, moved, bucket=moved["bucket"] + 64)
    return [*keys_in(Kind.MISSING, [ENTRY], moved), *keys_in(Kind.EXTRA, [ENTRY], moved)]


def a_clock_is_an_hour_fast(day):
    """What was written with it wins over the newer state that comes after it."""
    early = [replace(day.rows(day.bodies[0]), write_timestamp_us=day.rows(day.bodies[0]).write_timestamp_us + HOUR_US)]
    writing.write(early)
    record(day.bodies)
    return keys_in(Kind.STALE, LATEST, day.bodies[1])


def a_clock_is_an_hour_slow(day):
    """What was written with it loses against the older state that was there."""
    record(day.bodies[:1] + day.bodies[2:])
    late = day.rows(day.bodies[1])
    writing.write([replace(late, write_timestamp_us=late.write_timestamp_us - HOUR_US)])
    return keys_in(Kind.STALE, LATEST, day.bodies[1])


def block_of(day, body):
    row = day.row(ENTRY, body)
    return [row["booking_day"], row["payment_type"], row["bucket"]]


@dataclass(frozen=True)
class Fault:
    """One class of ledger.md §4. `is_seen_quick`: the stored hashes of the record and the day table show it too."""

    number: int
    inject: Callable[[Day], list[tuple[Any, ...]]]
    is_seen_quick: bool = True

    def __str__(self) -> str:
        return f"{self.number}-{self.inject.__name__}"


FAULTS = [
    Fault(1, a_message_is_lost),
    Fault(2, messages_come_a_hundred_times),
    Fault(3, messages_come_in_another_order),
    Fault(5, a_body_is_poison_on_its_way),
    Fault(6, a_cell_is_changed),
    Fault(7, a_row_is_deleted),
    Fault(8, a_bucket_is_emptied),
    Fault(9, a_refund_is_only_in_postgresql),
    Fault(10, the_bucket_count_changes_mid_day),
    Fault(11, a_clock_is_an_hour_fast, is_seen_quick=False),
    Fault(11, a_clock_is_an_hour_slow, is_seen_quick=False),
]
