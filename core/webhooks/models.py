"""Rows of webhooks: what providers sent us, who is told of our events, and what became of telling them."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from core.db.choices import choices_of
from core.ids import new_id
from core.webhooks.domain.delivery_state import DeliveryState
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


class WebhookEndpoint(models.Model):
    """A merchant's URL and the types of events it is told of. Deleting keeps the row, for its deliveries' sake."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    url = models.CharField(max_length=2000)
    event_types = models.JSONField(help_text="list of event types")
    secret = models.CharField(max_length=64, help_text="signs what is sent there; shown once, when it is made")
    is_enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    deleted_at = models.DateTimeField(null=True)


class WebhookDelivery(models.Model):
    """One event on its way to one endpoint, claimed by lease; `body` is what every attempt sends."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    endpoint = models.ForeignKey(WebhookEndpoint, on_delete=models.PROTECT, related_name="deliveries")
    event_id = models.UUIDField()
    event_type = models.CharField(max_length=64)
    body = models.BinaryField()
    state = models.CharField(max_length=16, choices=choices_of(DeliveryState), default=DeliveryState.PENDING)
    attempts = models.IntegerField(default=0, help_text="begun, over all replays")
    failures = models.IntegerField(default=0, help_text="since it was created or last replayed")
    next_attempt_at = models.DateTimeField(null=True, db_default=Now())
    lease_owner = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(F("endpoint"), F("event_id"), name="delivery_once_per_endpoint")]
        indexes = [
            models.Index("endpoint", "next_attempt_at", name="delivery_due", condition=Q(state=DeliveryState.PENDING)),
            models.Index(F("created_at").desc(), name="delivery_newest"),
        ]


class WebhookAttempt(models.Model):
    """One request to an endpoint and what came of it. A number that is missing belongs to a worker that was killed."""

    delivery = models.ForeignKey(WebhookDelivery, on_delete=models.CASCADE, related_name="log")
    number = models.IntegerField()
    status = models.IntegerField(null=True, help_text="HTTP status; none when there was no answer")
    error = models.CharField(max_length=500, blank=True, default="")
    answer = models.BinaryField(help_text="the first kilobyte of the answer's body")
    duration_ms = models.IntegerField()
    finished_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(F("delivery"), F("number"), name="attempt_number_once")]
