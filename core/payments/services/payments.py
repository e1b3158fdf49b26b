"""Creates payments and moves them through the state table, booking one event a step."""

from datetime import datetime
from uuid import UUID

from core.ids import new_id
from core.money import Money
from core.payments.domain.accounts import postings_of
from core.payments.domain.payment_state import EventType, PaymentState, PaymentType, next_state
from core.payments.domain.totals import Totals, totals_after
from core.payments.models import Payment, Voucher
from core.payments.services.booking import Booking, BookingTime, book, next_booking_time


def begin(
    *,
    event_type: EventType,
    payment_type: PaymentType,
    order_id: UUID | None,
    user_id: UUID,
    amount: Money,
    provider: str = "",
    provider_ref: str = "",
    token: str = "",
    checkout_id: UUID | None = None,
    voucher: Voucher | None = None,
    object_id: UUID | None = None,
) -> Payment:
    """Insert a payment whose first event is `event_type`. In the caller's transaction; `order_id` None means its own.

    A payment that begins as captured is authorized and captured in full by that one event.
    """
    payment, booking = begun(
        event_type=event_type,
        payment_type=payment_type,
        order_id=order_id,
        user_id=user_id,
        amount=amount,
        time=next_booking_time(),
        provider=provider,
        provider_ref=provider_ref,
        token=token,
        checkout_id=checkout_id,
        voucher=voucher,
        object_id=object_id,
    )
    payment.save(force_insert=True)
    book(booking)
    return payment


def begun(
    *,
    event_type: EventType,
    payment_type: PaymentType,
    order_id: UUID | None,
    user_id: UUID,
    amount: Money,
    time: BookingTime,
    provider: str = "",
    provider_ref: str = "",
    token: str = "",
    checkout_id: UUID | None = None,
    voucher: Voucher | None = None,
    object_id: UUID | None = None,
) -> tuple[Payment, Booking]:
    """The payment that `begin` inserts and the booking of its first event; nothing is written."""
    payment_id = new_id()
    totals = totals_after(Totals(), event_type, amount.amount_minor, is_first=True)
    payment = Payment(
        id=payment_id,
        order_id=order_id or payment_id,
        user_id=user_id,
        payment_type=payment_type,
        state=next_state(None, event_type),
        seq=1,
        currency=amount.currency,
        amount_minor=amount.amount_minor,
        authorized_minor=totals.authorized_minor,
        captured_minor=totals.captured_minor,
        captured_seq=1 if event_type == EventType.CAPTURED else 0,
        provider=provider,
        provider_ref=provider_ref,
        token=token,
        checkout_id=checkout_id,
        voucher=voucher,
        created_at=time.booked_at,
        last_booked_at=time.booked_at,
    )
    return payment, _booking_of(payment, event_type, amount.amount_minor, time, object_id, occurred_at=None)


def advance(
    payment: Payment,
    event_type: EventType,
    *,
    amount_minor: int,
    provider_ref: str = "",
    object_id: UUID | None = None,
    occurred_at: datetime | None = None,
) -> None:
    """Move a locked payment by one event. Raises IllegalTransition when the table has no such step.

    Saves the whole control row, what the caller changed on it included. In the caller's transaction, which must hold
    the payment's row lock.
    """
    totals = totals_after(totals_of(payment), event_type, amount_minor)
    payment.state = next_state(PaymentState(payment.state), event_type, remainder_minor=totals.remainder_minor)
    payment.authorized_minor = totals.authorized_minor
    payment.captured_minor = totals.captured_minor
    payment.refunded_minor = totals.refunded_minor
    payment.disputed_minor = totals.disputed_minor
    payment.seq += 1
    if event_type == EventType.CAPTURED:
        payment.captured_seq = payment.seq
    payment.provider_ref = provider_ref or payment.provider_ref
    time = next_booking_time(payment.last_booked_at)
    payment.last_booked_at = time.booked_at
    payment.save(
        update_fields=[
            "state",
            "seq",
            "authorized_minor",
            "captured_minor",
            "refunded_minor",
            "disputed_minor",
            "pending_capture_minor",
            "pending_refund_minor",
            "captured_seq",
            "provider_ref",
            "last_booked_at",
        ]
    )
    book(_booking_of(payment, event_type, amount_minor, time, object_id, occurred_at))


def totals_of(payment: Payment) -> Totals:
    return Totals(
        authorized_minor=payment.authorized_minor,
        captured_minor=payment.captured_minor,
        refunded_minor=payment.refunded_minor,
        disputed_minor=payment.disputed_minor,
    )


def _booking_of(
    payment: Payment,
    event_type: EventType,
    amount_minor: int,
    time: BookingTime,
    object_id: UUID | None,
    occurred_at: datetime | None,
) -> Booking:
    payment_type = PaymentType(payment.payment_type)
    return Booking(
        payment=payment,
        event_type=event_type,
        amount_minor=amount_minor,
        postings=postings_of(event_type, payment_type, amount_minor, payment.provider),
        time=time,
        occurred_at=occurred_at or time.booked_at,
        object_id=object_id,
    )
