"""Endpoints of merchants: made, changed and deleted by staff."""

import secrets
from collections.abc import Sequence
from uuid import UUID

from django.conf import settings
from django.db import transaction

from core.clock import now
from core.webhooks.domain.delivery_state import DeliveryState
from core.webhooks.domain.endpoint_urls import UrlPolicy, UrlRefused, parse_url
from core.webhooks.errors import EndpointUrlRefused
from core.webhooks.models import WebhookDelivery, WebhookEndpoint
from core.webhooks.selectors.endpoints import endpoint_by_id

SECRET_BYTES = 32


def url_policy() -> UrlPolicy:
    """What this installation lets endpoints have."""
    return UrlPolicy(
        schemes=settings.WEBHOOK_SCHEMES,
        ports=settings.WEBHOOK_PORTS,
        allows_private=settings.WEBHOOK_ALLOW_PRIVATE_ADDRESSES,
    )


def create(*, url: str, event_types: Sequence[str]) -> WebhookEndpoint:
    """A new endpoint with a secret of its own. Raises EndpointUrlRefused.

    A host name is looked up and checked at each attempt and not here: what it is today says nothing of tomorrow.
    """
    try:
        parse_url(url, url_policy())
    except UrlRefused as refusal:
        raise EndpointUrlRefused(f"The URL cannot be used: {refusal}.") from None
    secret = f"whsec_{secrets.token_urlsafe(SECRET_BYTES)}"
    return WebhookEndpoint.objects.create(url=url, event_types=sorted(set(event_types)), secret=secret)


@transaction.atomic
def change(*, endpoint_id: UUID, is_enabled: bool | None, event_types: Sequence[str] | None) -> WebhookEndpoint:
    """Change what is given. While an endpoint is not enabled its deliveries wait. Raises NotFound."""
    endpoint = endpoint_by_id(endpoint_id, is_locked=True)
    if is_enabled is not None:
        endpoint.is_enabled = is_enabled
    if event_types is not None:
        endpoint.event_types = sorted(set(event_types))
    endpoint.save(update_fields=["is_enabled", "event_types"])
    return endpoint


@transaction.atomic
def delete(*, endpoint_id: UUID) -> None:
    """Tell it of nothing more; what it was not told yet is canceled. Raises NotFound."""
    endpoint = endpoint_by_id(endpoint_id, is_locked=True)
    endpoint.is_enabled, endpoint.deleted_at = False, now()
    endpoint.save(update_fields=["is_enabled", "deleted_at"])
    WebhookDelivery.objects.filter(endpoint=endpoint, state=DeliveryState.PENDING).update(
        state=DeliveryState.CANCELED, next_attempt_at=None, finished_at=now()
    )
