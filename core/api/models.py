"""What an idempotency key answered the first time."""

from django.db import models
from django.db.models import F
from django.db.models.functions import Now


class IdempotencyRecord(models.Model):
    """The stored answer to a POST, by user and key, written in the same transaction as its effects."""

    id = models.BigAutoField(primary_key=True)
    user_id = models.UUIDField()
    key = models.CharField(max_length=255)
    fingerprint = models.BinaryField(help_text="SHA-256 over method, path and body")
    status = models.SmallIntegerField()
    body = models.BinaryField()
    location = models.CharField(max_length=255, blank=True, default="")
    created_at = models.DateTimeField(db_default=Now(), db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(F("user_id"), F("key"), name="idempotency_key_once_per_user")]
