"""The rows an invoice becomes. Deterministic: the same invoice gives the same rows, ids and events every time."""

from collections.abc import Iterator, Mapping
from uuid import UUID

from core.catalog.models import StockMovement
from core.money import round_to_minor
from core.orders.domain.order_state import FulfilmentStatus, PaymentTotals, fold_payment_status
from core.orders.events import OrderFact, OrderPaid
from core.orders.imports.copying import Value
from core.orders.imports.invoices import (
    Invoice,
    Kind,
    PaymentRule,
    line_amount_minor,
    line_id,
    movement_id,
    order_id,
    payment_id,
    user_id,
)
from core.orders.models import Order
from core.orders.services.transitions import event_of
from core.payments.domain.payment_state import EventType, next_state
from core.payments.models import Payment
from core.payments.services.booking import Booking, BookingTime

PROVIDER = "import"
FIRST_SEQ = 1


def order_of(invoice: Invoice) -> Order:
    """A paid order, placed when the invoice was written."""
    paid = PaymentTotals(
        is_pending=False,
        is_failed=False,
        committed_minor=invoice.total_minor,
        authorized_minor=invoice.total_minor,
        captured_minor=invoice.total_minor,
        refunded_minor=0,
    )
    return Order(
        id=order_id(invoice.number),
        user_id=user_id(invoice.customer, invoice.country),
        number=invoice.number,
        currency=invoice.currency,
        total_minor=invoice.total_minor,
        committed_minor=invoice.total_minor,
        fulfilment_status=FulfilmentStatus.CONFIRMED,
        payment_status=fold_payment_status(invoice.total_minor, [paid]),
        seq=FIRST_SEQ,
        created_at=invoice.occurred_at,
        placed_at=invoice.occurred_at,
    )


LINE_COLUMNS = ("id", "order_id", "product_id", "position", "quantity", "unit_price_minor", "amount_minor")


def lines_of(invoice: Invoice, products: Mapping[str, UUID]) -> Iterator[tuple[Value, ...]]:
    """LINE_COLUMNS of every line, repeated stock codes included. The amount is the line's own rounding."""
    identity = order_id(invoice.number)
    for ordinal, line in enumerate(invoice.lines, start=1):
        yield (
            line_id(invoice.number, ordinal),
            identity,
            products[line.sku],
            ordinal,
            line.quantity,
            round_to_minor(line.price, invoice.currency),
            line_amount_minor(line, invoice.currency),
        )


def order_event_of(order: Order) -> OrderFact:
    """What an order paid today would publish, with the time of then."""
    assert order.placed_at is not None
    return event_of(order, OrderPaid, occurred_at=order.placed_at)


def payment_of(invoice: Invoice, rule: PaymentRule, time: BookingTime) -> Payment:
    """The payment with its one event already counted. Credits and adjustments stand for themselves, without order."""
    identity = payment_id(invoice.number)
    captured_minor = invoice.total_minor if rule.event_type == EventType.CAPTURED else 0
    return Payment(
        id=identity,
        order_id=order_id(invoice.number) if invoice.kind is Kind.SALE else identity,
        user_id=user_id(invoice.customer, invoice.country),
        payment_type=rule.payment_type,
        state=next_state(None, rule.event_type),
        seq=FIRST_SEQ,
        currency=invoice.currency,
        amount_minor=invoice.total_minor,
        authorized_minor=captured_minor,
        captured_minor=captured_minor,
        captured_seq=FIRST_SEQ if captured_minor else 0,
        provider=PROVIDER,
        provider_ref=invoice.number,
        region=invoice.country,
        created_at=time.booked_at,
        last_booked_at=time.booked_at,
    )


def booking_of(invoice: Invoice, rule: PaymentRule, payment: Payment, time: BookingTime) -> Booking:
    """The payment's one event."""
    return Booking(
        payment=payment,
        event_type=rule.event_type,
        amount_minor=invoice.total_minor,
        postings=rule.postings(invoice.total_minor),
        time=time,
        occurred_at=invoice.occurred_at,
    )


MOVEMENT_COLUMNS = ("id", "product_id", "quantity", "reason", "reference", "occurred_at")


def movements_of(invoice: Invoice, products: Mapping[str, UUID]) -> Iterator[tuple[Value, ...]]:
    """MOVEMENT_COLUMNS of every product whose stock the invoice changes, a sale included."""
    for sku, change in invoice.stock_change().items():
        yield (
            movement_id(invoice.number, sku),
            products[sku],
            change,
            str(StockMovement.Reason.IMPORT),
            invoice.number,
            invoice.occurred_at,
        )
