"""A provider's reference puts money into a wallet once.

Reversible. Safe while the previous release runs, whose deposits have no reference. Not one transaction, because the
index is built beside its writers; broken off, it leaves an index marked invalid, which the next run drops first.
"""

from django.db import migrations, models

FORWARD = """
CREATE UNIQUE INDEX CONCURRENTLY payment_deposit_once ON payments_payment (provider, provider_ref)
    WHERE payment_type = 'deposit' AND NOT provider_ref = ''
"""
BACKWARD = "DROP INDEX CONCURRENTLY IF EXISTS payment_deposit_once"


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("payments", "0007_validate_balanced_postings")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(BACKWARD, migrations.RunSQL.noop),
                migrations.RunSQL(FORWARD, BACKWARD),
            ],
            state_operations=[
                migrations.AddConstraint(
                    "payment",
                    models.UniqueConstraint(
                        models.F("provider"),
                        models.F("provider_ref"),
                        condition=models.Q(("payment_type", "deposit"), models.Q(("provider_ref", ""), _negated=True)),
                        name="payment_deposit_once",
                    ),
                ),
            ],
        )
    ]
