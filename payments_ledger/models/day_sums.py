"""What sealed days' postings add up to."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class DaySums(models.Model):
    """All postings of one sealed day, so that a balance need not read every event there ever was.

    A copy: nothing enters a sealed day any more, so it can be made again from PaymentEvent at any time.
    """

    booking_day = models.DateField(primary_key=True)
    sums = models.JSONField(help_text="currency to account to minor units, debits positive")
    event_count = models.BigIntegerField(help_text="events of the day, those without postings too")
    computed_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        db_table = "ledger_daysums"
        constraints = [models.CheckConstraint(name="ledger_daysums_has_events", condition=Q(event_count__gt=0))]
