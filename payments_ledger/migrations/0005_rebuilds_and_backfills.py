"""Names of rebuilt tables, and how far backfills are. Reversible; safe while the previous release runs.

`ledger rebuild` itself must wait until every process runs this release: an older sink does not ask for names.
"""

import django.db.models.functions.datetime
from django.db import migrations, models

import core.ids


class Migration(migrations.Migration):
    dependencies = [
        ("payments_ledger", "0004_day_sums"),
    ]

    operations = [
        migrations.CreateModel(
            name="LedgerBackfill",
            fields=[
                ("id", models.UUIDField(default=core.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ("first_day", models.DateField()),
                ("last_day", models.DateField()),
                ("done_day", models.DateField(null=True)),
                ("done_payment_type", models.CharField(blank=True, default="", max_length=32)),
                ("done_bucket", models.SmallIntegerField(default=-1)),
                ("events", models.BigIntegerField(default=0, help_text="written so far")),
                (
                    "started_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("finished_at", models.DateTimeField(null=True)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("first_day__lte", models.F("last_day"))), name="backfill_days_in_order"
                    ),
                    models.UniqueConstraint(
                        models.F("first_day"),
                        models.F("last_day"),
                        condition=models.Q(("finished_at__isnull", True)),
                        name="backfill_open_once",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="LedgerTableName",
            fields=[
                ("name", models.CharField(max_length=48, primary_key=True, serialize=False)),
                ("current", models.CharField(max_length=48)),
                ("building", models.CharField(blank=True, default="", max_length=48)),
                ("retiring", models.CharField(blank=True, default="", max_length=48)),
                ("retire_at", models.DateTimeField(null=True)),
                ("copied_payment_id", models.UUIDField(null=True)),
                ("copied_seq", models.IntegerField(default=0)),
                ("updated_at", models.DateTimeField(auto_now=True)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("building", models.F("current")), _negated=True),
                        name="table_name_not_built_onto_itself",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("retiring", ""), ("retire_at__isnull", False), _connector="OR"),
                        name="table_name_retires_at_a_time",
                    ),
                ],
            },
        ),
    ]
