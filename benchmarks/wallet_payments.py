"""Payments to book in a benchmark: each by wallet, of one event and an order of its own.

That leaves the least to batch: four tables, and only the rows of a day's blocks share partitions.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.payments.models import Payment
    from core.payments.services.booking import Booking

BUYERS = 1_000
AMOUNT_MINOR = 500
# One row in each: by order, by id, by user and month, by day.
ROWS_PER_EVENT = 4


def bookings(events: int) -> list[tuple["Payment", "Booking"]]:
    """So many payments with their only event, booked now; nothing is written."""
    from core.ids import new_id
    from core.money import Money
    from core.payments.domain.payment_state import EventType, PaymentType
    from core.payments.services.booking import next_booking_time
    from core.payments.services.payments import begun

    time_of_booking, users = next_booking_time(), [new_id() for _ in range(BUYERS)]
    return [
        begun(
            event_type=EventType.CAPTURED,
            payment_type=PaymentType.WALLET,
            order_id=new_id(),
            user_id=users[number % BUYERS],
            amount=Money(AMOUNT_MINOR, "GBP"),
            time=time_of_booking,
        )
        for number in range(events)
    ]
