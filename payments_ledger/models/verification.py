"""What verifications of the ledger found."""

from enum import StrEnum

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from core.db.choices import choices_of
from core.ids import new_id


class Mode(StrEnum):
    """How closely the stores were compared."""

    QUICK = "quick"
    DEEP = "deep"


class Verdict(StrEnum):
    """What a verification ended with. `none`: it could not be finished, `reason` says why."""

    AGREE = "agree"
    DIFFER = "differ"
    NONE = "none"


class Verification(models.Model):
    """One verification that has ended. Written once, never changed. Days are None where it had no bound."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    mode = models.CharField(max_length=8, choices=choices_of(Mode))
    tables = models.JSONField(help_text="list of the tables compared with PostgreSQL")
    first_day = models.DateField(null=True)
    last_day = models.DateField(null=True)
    watermark = models.DateTimeField(null=True, help_text="events booked before it were compared")
    verdict = models.CharField(max_length=8, choices=choices_of(Verdict))
    reason = models.TextField(blank=True, default="", help_text="why there is no verdict")
    events = models.BigIntegerField(default=0, help_text="events in PostgreSQL that were compared")
    blocks = models.IntegerField(default=0)
    counts = models.JSONField(default=dict, help_text="kind of difference to number of rows")
    differences = models.JSONField(default=list, help_text="the rows that differ, as many as a report names")
    skipped = models.JSONField(default=list, help_text="days of open imports, which were not compared")
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(db_default=Now(), editable=False)
    duration_ms = models.BigIntegerField()

    class Meta:
        db_table = "ledger_verification"
        constraints = [
            models.CheckConstraint(
                name="ledger_verification_verdict",
                condition=(
                    Q(verdict=Verdict.NONE) & ~Q(reason="")
                    | Q(verdict=Verdict.AGREE, counts={}, watermark__isnull=False)
                    | Q(verdict=Verdict.DIFFER, watermark__isnull=False) & ~Q(counts={})
                ),
            )
        ]
        indexes = [models.Index(F("finished_at").desc(), name="ledger_verification_newest")]
