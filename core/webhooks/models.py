"""Rows of webhooks: what providers sent us."""

from django.db import models
from django.db.models import F
from django.db.models.functions import Now

from core.db.choices import choices_of
from core.ids import new_id
from core.webhooks.domain.provider_events import EventOutcome


class ProviderEvent(models.Model):
    """One event of a provider, kept as it came. The row exists when and only when its effects are recorded."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    provider = models.CharField(max_length=32)
    event_id = models.CharField(max_length=255, help_text="the provider's own")
    type = models.CharField(max_length=64)
    outcome = models.CharField(max_length=16, choices=choices_of(EventOutcome))
    body = models.BinaryField(help_text="the bytes whose signature was verified")
    received_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(F("provider"), F("event_id"), name="provider_event_once")]
        indexes = [models.Index("outcome", F("received_at").desc(), name="provider_event_by_outcome")]
