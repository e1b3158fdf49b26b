"""The record of repairs. Reversible; safe while the previous release runs: it only adds tables.

The application may neither delete from the record nor change what a row was before it was repaired.
"""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

import core.ids

KEPT = """
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'countinghouse_app') THEN
        REVOKE DELETE, TRUNCATE ON payments_ledger_ledgerrepair, payments_ledger_repairedblock FROM countinghouse_app;
        REVOKE UPDATE, DELETE, TRUNCATE ON payments_ledger_repairedrow FROM countinghouse_app;
    END IF;
END
$$
"""


class Migration(migrations.Migration):
    dependencies = [("payments_ledger", "0001_verification")]

    operations = [
        migrations.CreateModel(
            name="LedgerRepair",
            fields=[
                ("id", models.UUIDField(default=core.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ("who", models.CharField(max_length=200)),
                ("why", models.TextField()),
                ("arguments", models.JSONField(help_text="what was to be repaired")),
                (
                    "started_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("finished_at", models.DateTimeField(null=True)),
                ("rows_written", models.IntegerField(default=0)),
                ("outcome", models.JSONField(default=dict, help_text="as the command printed it")),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("who", ""), _negated=True), name="repair_says_who"),
                    models.CheckConstraint(condition=models.Q(("why", ""), _negated=True), name="repair_says_why"),
                ],
            },
        ),
        migrations.CreateModel(
            name="RepairedBlock",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("booking_day", models.DateField()),
                ("payment_type", models.CharField(max_length=32)),
                ("bucket", models.SmallIntegerField()),
                ("count_before", models.IntegerField()),
                ("digest_before", models.CharField(max_length=32)),
                ("count_after", models.IntegerField(null=True)),
                ("digest_after", models.CharField(default="", max_length=32)),
                (
                    "repair",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="blocks",
                        to="payments_ledger.ledgerrepair",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        models.F("repair"),
                        models.F("booking_day"),
                        models.F("payment_type"),
                        models.F("bucket"),
                        name="repaired_block_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="RepairedRow",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("table_name", models.CharField(max_length=48)),
                ("payment_id", models.UUIDField()),
                ("seq", models.IntegerField()),
                ("columns", models.JSONField(help_text="names of the columns that differed")),
                ("found", models.JSONField(null=True)),
                (
                    "found_digest",
                    models.CharField(help_text="over every column, hexadecimal; empty for no row", max_length=32),
                ),
                ("written_digest", models.CharField(max_length=32)),
                ("write_timestamp_us", models.BigIntegerField(help_text="USING TIMESTAMP, microseconds since 1970")),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "repair",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="rows",
                        to="payments_ledger.ledgerrepair",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["payment_id", "seq"], name="repaired_row_by_event")],
            },
        ),
        migrations.RunSQL(KEPT, migrations.RunSQL.noop),
    ]
