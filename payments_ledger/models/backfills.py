"""How far each backfill has come."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from core.ids import new_id


class LedgerBackfill(models.Model):
    """One backfill of these booking days, block by block; the last finished block is where it goes on."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    first_day = models.DateField()
    last_day = models.DateField()
    done_day = models.DateField(null=True)
    done_payment_type = models.CharField(max_length=32, default="", blank=True)
    done_bucket = models.SmallIntegerField(default=-1)
    events = models.BigIntegerField(default=0, help_text="written so far")
    started_at = models.DateTimeField(db_default=Now(), editable=False)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="backfill_days_in_order", condition=Q(first_day__lte=F("last_day"))),
            models.UniqueConstraint(
                F("first_day"), F("last_day"), condition=Q(finished_at__isnull=True), name="backfill_open_once"
            ),
        ]
