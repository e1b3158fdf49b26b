"""What each event of a provider does here. THE map from event types to effects; what is not in it is kept, no more."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog

from core.errors import NotFound
from core.money import EXPONENTS
from core.orders.services import disputes, payment_outcomes
from core.orders.services.disputes import DisputeNotice
from core.payments.domain.dispute_state import DisputeState
from core.payments.gateways.answers import UnusableAnswer, read_notice
from core.payments.models import Dispute, PaymentOperation
from core.webhooks.domain.provider_events import EventOutcome
from core.webhooks.errors import EventUnusable

log = structlog.get_logger(__name__)

REASON_CHARACTERS_MAX = 64


@dataclass(frozen=True, slots=True)
class Notice:
    """One event of a provider, verified: `body` is the bytes that were signed, `data` the part about its subject."""

    provider: str
    event_id: str
    type: str
    created_at: datetime
    data: Mapping[str, Any]
    body: bytes


Effect = Callable[[Notice], EventOutcome]


def record_operation(notice: Notice) -> EventOutcome:
    """Record a decided operation, as its answer or the janitor's query would: whichever comes first counts."""
    data = notice.data
    if notice.type != f"operation.{data.get('status')}":
        raise EventUnusable(f"An event {notice.type} is about an operation with that status.")
    operation_id = _uuid(data, "operation_id")
    try:
        result = read_notice(dict(data))
    except UnusableAnswer as error:
        raise EventUnusable(f"The operation cannot be read: {error}.") from None
    # Its row was committed before anybody could call the provider, so one that is not there was never ours.
    operation = PaymentOperation.objects.filter(pk=operation_id).first()
    if operation is None:
        return EventOutcome.UNMATCHED
    if differences := _differences(operation, notice):
        log.error("webhook.operation_differs", operation_id=str(operation_id), **differences)
        return EventOutcome.MISMATCH
    is_new = payment_outcomes.record(operation_id=operation_id, result=result)
    return EventOutcome.APPLIED if is_new else EventOutcome.UNCHANGED


def record_dispute(notice: Notice) -> EventOutcome:
    """Record that a capture is contested, or how that ended."""
    data = notice.data
    dispute_id, reason, currency = (data.get(name) for name in ("dispute_id", "reason", "currency"))
    if not isinstance(dispute_id, str) or not 0 < len(dispute_id) <= 128:
        raise EventUnusable("`dispute_id` is not a text of 1 to 128 characters.")
    if not isinstance(reason, str) or currency not in EXPONENTS:
        raise EventUnusable("`reason` is not a text, or `currency` none we know.")
    try:
        is_new = disputes.record(
            DisputeNotice(
                provider=notice.provider,
                provider_dispute_id=dispute_id,
                payment_id=_uuid(data, "payment_id"),
                amount_minor=_amount_minor(data),
                currency=currency,
                reason=reason[:REASON_CHARACTERS_MAX],
                state=DISPUTE_STATES[notice.type],
                occurred_at=notice.created_at,
            )
        )
    except NotFound:
        return EventOutcome.UNMATCHED
    if is_new:
        return EventOutcome.APPLIED
    is_known = Dispute.objects.filter(provider=notice.provider, provider_dispute_id=dispute_id).exists()
    return EventOutcome.UNCHANGED if is_known else EventOutcome.MISMATCH


DISPUTE_STATES = {
    "dispute.opened": DisputeState.OPEN,
    "dispute.won": DisputeState.WON,
    "dispute.lost": DisputeState.LOST,
}

EFFECTS: dict[str, Effect] = {
    "operation.succeeded": record_operation,
    "operation.declined": record_operation,
    **dict.fromkeys(DISPUTE_STATES, record_dispute),
}


def _differences(operation: PaymentOperation, notice: Notice) -> dict[str, str]:
    """Field → ours and theirs, where the event is not about what we asked this provider for."""
    ours = {
        "payment_id": str(operation.payment_id),
        "kind": operation.kind,
        "amount_minor": operation.amount_minor,
        "currency": operation.currency,
    }
    found = {
        name: f"{value!r}, told {notice.data.get(name)!r}"
        for name, value in ours.items()
        if notice.data.get(name) != value
    }
    if operation.gateway != notice.provider:
        found["gateway"] = f"{operation.gateway!r}, told by {notice.provider!r}"
    return found


def _uuid(data: Mapping[str, Any], name: str) -> UUID:
    try:
        return UUID(data[name])
    except (KeyError, TypeError, ValueError, AttributeError):
        raise EventUnusable(f"`{name}` is not a UUID.") from None


def _amount_minor(data: Mapping[str, Any]) -> int:
    value = data.get("amount_minor")
    # bool is an int to Python, but true is no amount.
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 2**63:
        raise EventUnusable("`amount_minor` is not a positive integer.")
    return value
