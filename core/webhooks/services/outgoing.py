"""Who is told of an event: deliveries are made from events as they are read, in the reader's transaction."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from core.webhooks.domain.merchant_events import FIELDS, body_of, happened_at
from core.webhooks.models import WebhookDelivery, WebhookEndpoint
from core.webhooks.selectors.endpoints import endpoints

# An event is dated by the process that made it, an endpoint by the database.
CLOCK_SKEW = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class PublishedEvent:
    """An event as it was published: `body` is its canonical bytes."""

    event_id: UUID
    type: str
    body: bytes


def enqueue(events: Iterable[PublishedEvent]) -> int:
    """Make a delivery of each event for each endpoint that wants it; returns for how many it was asked.

    Idempotent by endpoint and event. What happened before an endpoint existed (an import's years, for example) is not
    its business. Runs in the caller's transaction.
    """
    # Locked, so that one that is being deleted gets nothing after its deliveries were canceled.
    listening = list(endpoints().filter(is_enabled=True).order_by("id").select_for_update(no_key=True))
    wanted = {event_type for endpoint in listening for event_type in endpoint.event_types} & FIELDS.keys()
    rows = [row for event in events if event.type in wanted for row in _deliveries(event, listening)]
    WebhookDelivery.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def _deliveries(event: PublishedEvent, listening: Sequence[WebhookEndpoint]) -> list[WebhookDelivery]:
    content = json.loads(event.body)
    moment = datetime.fromisoformat(happened_at(content))
    body = body_of(event_id=event.event_id, event_type=event.type, event=content)
    return [
        WebhookDelivery(endpoint=endpoint, event_id=event.event_id, event_type=event.type, body=body)
        for endpoint in listening
        if event.type in endpoint.event_types and moment >= endpoint.created_at - CLOCK_SKEW
    ]
