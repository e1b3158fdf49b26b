"""Creates payments and moves them through the state table, booking one event a step."""

from datetime import datetime
from uuid import UUID

from core.ids import new_id
from core.money import Money
from core.payments.domain.accounts import postings_of
from core.payments.domain.payment_state import EventType, PaymentState, PaymentType, next_state
from core.payments.models import Payment
from core.payments.services.booking import Booking, book, next_booking_time


def begin(
    *,
    event_type: EventType,
    payment_type: PaymentType,
    order_id: UUID | None,
    user_id: UUID,
    amount: Money,
    provider: str = "",
    payment_id: UUID | None = None,
) -> Payment:
    """Insert a payment whose first event is `event_type`. In the caller's transaction; `order_id` None means its own.

    A payment that begins as captured is authorized and captured in full by that one event.
    """
    payment_id = payment_id or new_id()
    time = next_booking_time()
    captured = amount.amount_minor if event_type == EventType.CAPTURED else 0
    payment = Payment.objects.create(
        id=payment_id,
        order_id=order_id or payment_id,
        user_id=user_id,
        payment_type=payment_type,
        state=next_state(None, event_type),
        seq=1,
        currency=amount.currency,
        amount_minor=amount.amount_minor,
        authorized_minor=captured,
        captured_minor=captured,
        provider=provider,
        created_at=time.booked_at,
        last_booked_at=time.booked_at,
    )
    book(
        Booking(
            payment=payment,
            event_type=event_type,
            amount_minor=amount.amount_minor,
            postings=postings_of(event_type, payment_type, amount.amount_minor, provider),
            time=time,
            occurred_at=time.booked_at,
        )
    )
    return payment


def advance(
    payment: Payment,
    event_type: EventType,
    *,
    provider_ref: str = "",
    object_id: UUID | None = None,
    occurred_at: datetime | None = None,
) -> None:
    """Move a locked payment by one event. Raises IllegalTransition when the table has no such step.

    A capture takes the whole amount. In the caller's transaction, which must hold the payment's row lock.
    """
    payment.state = next_state(PaymentState(payment.state), event_type)
    payment.seq += 1
    payment.provider_ref = provider_ref or payment.provider_ref
    if event_type == EventType.CAPTURED:
        payment.authorized_minor = payment.captured_minor = payment.amount_minor
    time = next_booking_time(payment.last_booked_at)
    payment.last_booked_at = time.booked_at
    payment.save(update_fields=["state", "seq", "provider_ref", "authorized_minor", "captured_minor", "last_booked_at"])
    book(
        Booking(
            payment=payment,
            event_type=event_type,
            amount_minor=payment.amount_minor,
            postings=postings_of(event_type, PaymentType(payment.payment_type), payment.amount_minor, payment.provider),
            time=time,
            occurred_at=occurred_at or time.booked_at,
            object_id=object_id,
        )
    )
