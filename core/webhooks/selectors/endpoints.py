"""Endpoints and deliveries as they stand."""

from uuid import UUID

from django.db.models import QuerySet

from core.errors import NotFound
from core.webhooks.models import WebhookDelivery, WebhookEndpoint


def endpoints() -> QuerySet[WebhookEndpoint]:
    """All that are not deleted."""
    return WebhookEndpoint.objects.filter(deleted_at=None).order_by("-created_at")


def endpoint_by_id(endpoint_id: UUID, *, is_locked: bool = False) -> WebhookEndpoint:
    """Raises NotFound, for a deleted one too."""
    found = endpoints().select_for_update(no_key=True) if is_locked else endpoints()
    endpoint = found.filter(pk=endpoint_id).first()
    if endpoint is None:
        raise NotFound(f"There is no endpoint {endpoint_id}.")
    return endpoint


def deliveries(*, state: str | None = None, endpoint_id: UUID | None = None) -> QuerySet[WebhookDelivery]:
    """Newest first; with `state` or `endpoint_id` only those."""
    rows = WebhookDelivery.objects.order_by("-created_at")
    if state is not None:
        rows = rows.filter(state=state)
    return rows if endpoint_id is None else rows.filter(endpoint_id=endpoint_id)


def delivery_by_id(delivery_id: UUID) -> WebhookDelivery:
    """Raises NotFound."""
    delivery = WebhookDelivery.objects.filter(pk=delivery_id).first()
    if delivery is None:
        raise NotFound(f"There is no delivery {delivery_id}.")
    return delivery
