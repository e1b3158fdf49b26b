"""The events orders publish, keyed by order id."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

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


@event("orders.order.reopened.v1", aggregate_type=ORDER)
class OrderReopened(OrderFact):
    """The payment was declined: the stock is back and the order is a draft again."""
