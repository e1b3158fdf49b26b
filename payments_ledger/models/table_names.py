"""Which name each rebuildable table has in Cassandra, and how far a rebuild has come."""

from django.db import models
from django.db.models import F, Q


class LedgerTableName(models.Model):
    """The names of one table that was ever rebuilt. Read by sink and selectors through payments_ledger.current_names.

    `building` is being filled, `retiring` was current before the switch; both are written to as `current` is,
    `retiring` until `retire_at`. `copied_payment_id` and `copied_seq` are how far the filling has come.
    """

    name = models.CharField(max_length=48, primary_key=True)
    current = models.CharField(max_length=48)
    building = models.CharField(max_length=48, default="", blank=True)
    retiring = models.CharField(max_length=48, default="", blank=True)
    retire_at = models.DateTimeField(null=True)
    copied_payment_id = models.UUIDField(null=True)
    copied_seq = models.IntegerField(default=0)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="table_name_not_built_onto_itself", condition=~Q(building=F("current"))),
            models.CheckConstraint(
                name="table_name_retires_at_a_time", condition=Q(retiring="") | Q(retire_at__isnull=False)
            ),
        ]
