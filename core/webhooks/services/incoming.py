"""Receives what providers send: verified by signature, and each event's effects once, in one transaction with its row.

A provider sends again until it is answered 2xx, and in any order: an answer leaves only after the commit.
"""

import structlog
from django.conf import settings
from django.db import transaction

from core.clock import now
from core.db.transactions import atomically
from core.failpoints import failpoint
from core.webhooks.domain import signatures
from core.webhooks.domain.provider_events import ALARMING_OUTCOMES, EventOutcome
from core.webhooks.errors import SignatureInvalid, UnknownProvider
from core.webhooks.models import ProviderEvent
from core.webhooks.services.provider_effects import EFFECTS, Notice

log = structlog.get_logger(__name__)


def verify(*, provider: str, body: bytes, header: str) -> None:
    """Return when the provider signed these bytes just now. Raises UnknownProvider or SignatureInvalid."""
    gateway = settings.GATEWAYS.get(provider)
    if gateway is None:
        raise UnknownProvider(f"{provider!r} is no provider of this installation.")
    try:
        signatures.verify(body, header=header, secrets=gateway["WEBHOOK_SECRETS"], now=int(now().timestamp()))
    except signatures.SignatureRefused as refusal:
        log.warning("webhook.refused", provider=provider, reason=str(refusal))
        raise SignatureInvalid(f"Sign the body as it is sent, at the time it is sent: {refusal}.") from None


def receive(notice: Notice) -> EventOutcome | None:
    """Record a verified event and its effects; None when it was received before, and then nothing changes.

    Raises EventUnusable, and then nothing is kept, so that the provider's next attempt is a first one.
    """
    outcome = atomically(lambda: _receive(notice))
    failpoint("webhook.committed")
    return outcome


@transaction.atomic
def _receive(notice: Notice) -> EventOutcome | None:
    # The same event on another connection waits here until the first has committed, and then finds its row.
    event, is_new = ProviderEvent.objects.get_or_create(
        provider=notice.provider,
        event_id=notice.event_id,
        defaults={"type": notice.type, "outcome": EventOutcome.IGNORED, "body": notice.body},
    )
    if not is_new:
        if bytes(event.body) != notice.body:
            log.error("webhook.event_differs", provider=notice.provider, event_id=notice.event_id)
        return None
    failpoint("webhook.stored")
    effect = EFFECTS.get(notice.type)
    if effect is not None:
        event.outcome = effect(notice)
        event.save(update_fields=["outcome"])
    outcome = EventOutcome(event.outcome)
    level = log.error if outcome in ALARMING_OUTCOMES else log.info
    failpoint("webhook.applied")
    level("webhook.received", provider=notice.provider, event_id=notice.event_id, type=notice.type, outcome=outcome)
    return outcome
