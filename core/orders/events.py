"""The events orders publish, keyed by order id."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.orders.domain.order_state import PaymentStatus
from outbox.events import event

ORDER = "orders.order"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFact:
    """What every event of an order says; amounts in minor units, times in UTC."""

    order_id: UUID
    seq: int
    user_id: UUID
    currency: str
    total_minor: int
    fulfilment_status: str
    payment_status: str
    occurred_at: datetime


@event("orders.order.placed.v1", aggregate_type=ORDER)
class OrderPlaced(OrderFact):
    """Stock is reserved and the money is on its way."""


@event("orders.order.paid.v1", aggregate_type=ORDER)
class OrderPaid(OrderFact):
    """All of the money was taken."""


@event("orders.order.confirmed.v1", aggregate_type=ORDER)
class OrderConfirmed(OrderFact):
    """Every instrument holds its part; from here on the money is only taken."""


@event("orders.order.reopened.v1", aggregate_type=ORDER)
class OrderReopened(OrderFact):
    """The payment came to nothing: the stock is back and the order is a draft again."""


@event("orders.order.cancelled.v1", aggregate_type=ORDER)
class OrderCancelled(OrderFact):
    """The order will not be fulfilled; what was held is let go and what was taken is refunded."""


@event("orders.order.shipped.v1", aggregate_type=ORDER)
class OrderShipped(OrderFact):
    """The goods have left."""


@event("orders.order.partially_refunded.v1", aggregate_type=ORDER)
class OrderPartiallyRefunded(OrderFact):
    """Some of the money was given back."""


@event("orders.order.refunded.v1", aggregate_type=ORDER)
class OrderRefunded(OrderFact):
    """All of the money was given back."""


@event("orders.order.payment_status_changed.v1", aggregate_type=ORDER)
class OrderPaymentStatusChanged(OrderFact):
    """The money moved in a way that has no event of its own; `payment_status` says where it stands."""


# What is published when an order's payment status changes; any other change has the general event.
PAYMENT_STATUS_EVENTS: dict[PaymentStatus, type[OrderFact]] = {
    PaymentStatus.PAID: OrderPaid,
    PaymentStatus.PARTIALLY_REFUNDED: OrderPartiallyRefunded,
    PaymentStatus.REFUNDED: OrderRefunded,
}
