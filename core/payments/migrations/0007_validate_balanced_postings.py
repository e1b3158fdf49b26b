"""Checks every event booked before 0006 for balance, beside its readers and writers.

Reversible: there is nothing to undo. Repeated, it reads again what was read.
"""

from django.db import migrations

FORWARD = "ALTER TABLE payments_paymentevent VALIDATE CONSTRAINT payment_event_balanced"


class Migration(migrations.Migration):
    dependencies = [("payments", "0006_balanced_postings")]

    operations = [migrations.RunSQL(FORWARD, migrations.RunSQL.noop)]
