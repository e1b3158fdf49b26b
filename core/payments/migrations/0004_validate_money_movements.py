"""Validates what 0003 added and swaps the index of open operations, without keeping writers out.

Reversible. Not one transaction, because an index is built concurrently only outside one; run again, it goes on.
"""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently, ValidateConstraint
from django.db import migrations, models

OPEN_STATES = ["requested", "submitted", "unknown", "accepted"]


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("payments", "0003_money_movements")]

    operations = [
        ValidateConstraint("wallet", "wallet_held_within_balance"),
        ValidateConstraint("payment", "payment_pending_within_totals"),
        ValidateConstraint("payment", "payment_disputed_within_captured"),
        # Until now a payment was captured by its last event, if at all.
        migrations.RunSQL(
            "UPDATE payments_payment SET captured_seq = seq WHERE captured_minor > 0 AND captured_seq = 0",
            migrations.RunSQL.noop,
        ),
        AddIndexConcurrently(
            "paymentoperation",
            models.Index("state", "next_attempt_at", name="operation_open", condition=models.Q(state__in=OPEN_STATES)),
        ),
        RemoveIndexConcurrently("paymentoperation", "operation_due"),
        AddIndexConcurrently(
            "paymentoperation",
            models.Index("attention_at", name="operation_attention", condition=~models.Q(attention="")),
        ),
    ]
