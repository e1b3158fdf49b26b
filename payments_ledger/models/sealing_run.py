"""What attempts to seal days came to."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from core.ids import new_id


class SealingRun(models.Model):
    """One attempt to seal every day up to `through_day`, ended. Written once, never changed.

    `refused` has the days that were not sealed, with outcome and reasons; `reason` says why the attempt itself stopped.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    through_day = models.DateField()
    sealed = models.IntegerField(default=0, help_text="days sealed by this run")
    not_yet = models.IntegerField(default=0, help_text="days that something is still under way on")
    differs = models.IntegerField(default=0, help_text="days on which the stores differ")
    refused = models.JSONField(default=list)
    reason = models.TextField(blank=True, default="", help_text="why the run did not come to its end")
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(db_default=Now(), editable=False)
    duration_ms = models.BigIntegerField()

    class Meta:
        db_table = "ledger_sealing_run"
        constraints = [
            models.CheckConstraint(
                name="ledger_sealing_run_counts", condition=Q(sealed__gte=0) & Q(not_yet__gte=0) & Q(differs__gte=0)
            )
        ]
        indexes = [models.Index(F("finished_at").desc(), name="ledger_sealing_run_newest")]
