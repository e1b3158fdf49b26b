"""What may not be posted is refused while an event is put together, before anything is written."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from core.payments.domain.accounts import OtherAmount, PostingsRefused, Unbalanced, UnknownAccount
from core.payments.domain.payment_state import EventType, PaymentState, PaymentType
from core.payments.models import Payment
from core.payments.services.booking import Booking, BookingTime, entry_of

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def booking(postings, event_type=EventType.CAPTURED):
    payment = Payment(
        id=uuid4(),
        order_id=uuid4(),
        user_id=uuid4(),
        payment_type=PaymentType.WALLET,
        state=PaymentState.CAPTURED,
        seq=1,
        currency="GBP",
        amount_minor=500,
        created_at=NOON,
        last_booked_at=NOON,
    )
    return Booking(
        payment=payment,
        event_type=event_type,
        amount_minor=500,
        postings=postings,
        time=BookingTime(NOON, 4),
        occurred_at=NOON,
    )


@pytest.mark.parametrize(
    ("postings", "error"),
    [
        ({"wallet_liability": 500, "revenue": -499}, Unbalanced),
        ({"wallet": 500, "revenue": -500}, UnknownAccount),
        ({"wallet_liability": 499, "revenue": -499}, OtherAmount),
        ({}, OtherAmount),
    ],
)
def test_an_event_with_wrong_postings_is_not_booked(postings, error):
    with pytest.raises(error) as refusal:
        entry_of(booking(postings))

    assert isinstance(refusal.value, PostingsRefused)


def test_an_event_with_right_postings_carries_them():
    entry = entry_of(booking({"wallet_liability": 500, "revenue": -500}))

    assert b'"postings":{"revenue":-500,"wallet_liability":500}' in entry.outgoing.payload
