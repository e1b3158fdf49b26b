"""Sums of sealed days. Reversible, and safe while the previous release runs: it only adds a table."""

import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("payments_ledger", "0003_sealing_run"),
    ]

    operations = [
        migrations.CreateModel(
            name="DaySums",
            fields=[
                ("booking_day", models.DateField(primary_key=True, serialize=False)),
                ("sums", models.JSONField(help_text="currency to account to minor units, debits positive")),
                ("event_count", models.BigIntegerField(help_text="events of the day, those without postings too")),
                (
                    "computed_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
            ],
            options={
                "db_table": "ledger_daysums",
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("event_count__gt", 0)), name="ledger_daysums_has_events")
                ],
            },
        ),
    ]
