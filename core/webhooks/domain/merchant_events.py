"""Which of our events merchants may be told of, and what they are told: THE allow-list of both.

A field that is not here never leaves, whatever is added to an event later. Of people only ids.
"""

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

_ORDER = (
    "order_id", "seq", "user_id", "currency", "total_minor", "fulfilment_status", "payment_status", "occurred_at",
)  # fmt: skip
_PAYMENT = (
    "payment_id", "seq", "order_id", "user_id", "object_id", "payment_type", "status_after", "amount_minor", "currency",
    "authorized_minor", "captured_minor", "refunded_minor", "disputed_minor", "occurred_at", "booked_at",
)  # fmt: skip

FIELDS: dict[str, tuple[str, ...]] = {
    "orders.order.placed.v1": _ORDER,
    "orders.order.confirmed.v1": _ORDER,
    "orders.order.paid.v1": _ORDER,
    "orders.order.reopened.v1": _ORDER,
    "orders.order.cancelled.v1": _ORDER,
    "orders.order.shipped.v1": _ORDER,
    "orders.order.partially_refunded.v1": _ORDER,
    "orders.order.refunded.v1": _ORDER,
    "payments.attempt.action_required.v1": _PAYMENT,
    "payments.payment.authorized.v1": _PAYMENT,
    "payments.payment.captured.v1": _PAYMENT,
    "payments.payment.failed.v1": _PAYMENT,
    "payments.payment.canceled.v1": _PAYMENT,
    "payments.payment.voided.v1": _PAYMENT,
    "payments.refund.requested.v1": _PAYMENT,
    "payments.refund.succeeded.v1": _PAYMENT,
    "payments.refund.failed.v1": _PAYMENT,
    "payments.dispute.opened.v1": _PAYMENT,
    "payments.dispute.won.v1": _PAYMENT,
    "payments.dispute.lost.v1": _PAYMENT,
}


def happened_at(event: Mapping[str, Any]) -> str:
    """When, in UTC: when it entered the books, for an event of a payment."""
    return str(event.get("booked_at", event["occurred_at"]))


def body_of(*, event_id: UUID, event_type: str, event: Mapping[str, Any]) -> bytes:
    """What an endpoint is sent: the same bytes for the same event, `{id, type, created_at, data}`."""
    document = {
        "id": str(event_id),
        "type": event_type,
        "created_at": happened_at(event),
        "data": {field: event[field] for field in FIELDS[event_type]},
    }
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
