"""Settlement files that were matched with the ledger, what they settled, and what did not fit."""

from django.conf import settings as django_settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from core.db.choices import choices_of
from core.ids import new_id
from payments_ledger.settlement.matching import Reason


class SettlementRun(models.Model):
    """One file of a provider for one day. A changed file for the day supersedes the run before it."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    provider = models.CharField(max_length=32)
    day = models.DateField(help_text="the day the file is for, UTC")
    file_sha256 = models.CharField(max_length=64)
    source = models.CharField(max_length=255, help_text="path or address the file was read from")
    lines = models.IntegerField()
    matched_lines = models.IntegerField()
    matched_postings = models.IntegerField()
    awaited_postings = models.IntegerField(help_text="not settled yet and still in time")
    totals = models.JSONField(help_text="currency to gross, fee and net in minor units")
    tolerance_minor = models.BigIntegerField()
    days_max = models.IntegerField()
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    superseded_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "ledger_settlement_run"
        constraints = [
            models.UniqueConstraint(
                "provider", "day", name="ledger_settlement_one_run_a_day", condition=Q(superseded_at__isnull=True)
            ),
            models.CheckConstraint(
                name="ledger_settlement_limits_not_negative",
                condition=Q(tolerance_minor__gte=0) & Q(days_max__gte=0),
            ),
        ]


class SettlementMatch(models.Model):
    """A posting that a line has settled. A posting is settled once."""

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(SettlementRun, on_delete=models.PROTECT, related_name="matches")
    provider = models.CharField(max_length=32)
    reference = models.CharField(max_length=128)
    payment_id = models.UUIDField()
    seq = models.IntegerField()
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)

    class Meta:
        db_table = "ledger_settlement_match"
        constraints = [models.UniqueConstraint("payment_id", "seq", name="ledger_settlement_posting_once")]
        indexes = [models.Index("provider", "reference", name="ledger_settlement_reference")]


class SettlementBreak(models.Model):
    """Something that did not fit; open until somebody, or a later file, resolves it with a note."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    run = models.ForeignKey(SettlementRun, on_delete=models.PROTECT, related_name="breaks")
    provider = models.CharField(max_length=32)
    day = models.DateField()
    reason = models.CharField(max_length=32, choices=choices_of(Reason))
    reference = models.CharField(max_length=128, blank=True, default="")
    lines = models.JSONField(default=list, help_text="numbers of lines in the file, the header's being 1")
    postings = models.JSONField(default=list, help_text="pairs of payment and sequence number")
    settled_minor = models.JSONField(default=dict, help_text="currency to what the lines say, in minor units")
    posted_minor = models.JSONField(default=dict, help_text="currency to what the ledger posted, in minor units")
    detail = models.TextField()
    opened_at = models.DateTimeField(db_default=Now(), editable=False)
    resolved_at = models.DateTimeField(null=True)
    resolved_by = models.ForeignKey(django_settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT)
    note = models.TextField(blank=True, default="")

    class Meta:
        db_table = "ledger_settlement_break"
        constraints = [
            models.CheckConstraint(
                name="ledger_settlement_break_resolved_with_note",
                condition=Q(resolved_at__isnull=True, resolved_by__isnull=True, note="")
                | Q(resolved_at__isnull=False) & ~Q(note=""),
            )
        ]
        indexes = [
            models.Index(F("opened_at").desc(), F("id").desc(), name="ledger_settlement_break_newest"),
            models.Index("run", name="ledger_settlement_break_open", condition=Q(resolved_at__isnull=True)),
        ]
