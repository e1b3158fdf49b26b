"""The record of repairs: who changed what in Cassandra, why, and what stood there before. Nobody may delete it."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from core.ids import new_id


class LedgerRepair(models.Model):
    """One run of `ledger repair` that was allowed to write. Without `finished_at` it was interrupted, or still runs."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    who = models.CharField(max_length=200)
    why = models.TextField()
    arguments = models.JSONField(help_text="what was to be repaired")
    started_at = models.DateTimeField(db_default=Now(), editable=False)
    finished_at = models.DateTimeField(null=True)
    rows_written = models.IntegerField(default=0)
    outcome = models.JSONField(default=dict, help_text="as the command printed it")

    class Meta:
        constraints = [
            models.CheckConstraint(name="repair_says_who", condition=~Q(who="")),
            models.CheckConstraint(name="repair_says_why", condition=~Q(why="")),
        ]


class RepairedRow(models.Model):
    """One row about to be written by a repair: stored before Cassandra is asked, so that no write lacks its record.

    `found` is the whole row as it stood, or null where there was none; what was written is the event's own row.
    """

    id = models.BigAutoField(primary_key=True)
    repair = models.ForeignKey(LedgerRepair, on_delete=models.PROTECT, related_name="rows")
    table_name = models.CharField(max_length=48)
    payment_id = models.UUIDField()
    seq = models.IntegerField()
    columns = models.JSONField(help_text="names of the columns that differed")
    found = models.JSONField(null=True)
    found_digest = models.CharField(max_length=32, help_text="over every column, hexadecimal; empty for no row")
    written_digest = models.CharField(max_length=32)
    write_timestamp_us = models.BigIntegerField(help_text="USING TIMESTAMP, microseconds since 1970")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        indexes = [models.Index(fields=["payment_id", "seq"], name="repaired_row_by_event")]


class RepairedBlock(models.Model):
    """A block with a repaired row: events in events_by_day and a digest over every column of them, before and after."""

    id = models.BigAutoField(primary_key=True)
    repair = models.ForeignKey(LedgerRepair, on_delete=models.PROTECT, related_name="blocks")
    booking_day = models.DateField()
    payment_type = models.CharField(max_length=32)
    bucket = models.SmallIntegerField()
    count_before = models.IntegerField()
    digest_before = models.CharField(max_length=32)
    count_after = models.IntegerField(null=True)
    digest_after = models.CharField(max_length=32, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                F("repair"), F("booking_day"), F("payment_type"), F("bucket"), name="repaired_block_once"
            )
        ]
