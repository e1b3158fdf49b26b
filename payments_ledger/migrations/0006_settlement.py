"""Settlements: runs, what they settled, and breaks. Reversible; safe while the previous release runs: only new tables."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

import core.ids


class Migration(migrations.Migration):
    dependencies = [
        ("payments_ledger", "0005_rebuilds_and_backfills"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="SettlementRun",
            fields=[
                ("id", models.UUIDField(default=core.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ("provider", models.CharField(max_length=32)),
                ("day", models.DateField(help_text="the day the file is for, UTC")),
                ("file_sha256", models.CharField(max_length=64)),
                ("source", models.CharField(help_text="path or address the file was read from", max_length=255)),
                ("lines", models.IntegerField()),
                ("matched_lines", models.IntegerField()),
                ("matched_postings", models.IntegerField()),
                ("awaited_postings", models.IntegerField(help_text="not settled yet and still in time")),
                ("totals", models.JSONField(help_text="currency to gross, fee and net in minor units")),
                ("tolerance_minor", models.BigIntegerField()),
                ("days_max", models.IntegerField()),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("superseded_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "ledger_settlement_run",
                "constraints": [
                    models.UniqueConstraint(
                        models.F("provider"),
                        models.F("day"),
                        condition=models.Q(("superseded_at__isnull", True)),
                        name="ledger_settlement_one_run_a_day",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("tolerance_minor__gte", 0), ("days_max__gte", 0)),
                        name="ledger_settlement_limits_not_negative",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SettlementMatch",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("provider", models.CharField(max_length=32)),
                ("reference", models.CharField(max_length=128)),
                ("payment_id", models.UUIDField()),
                ("seq", models.IntegerField()),
                ("amount_minor", models.BigIntegerField()),
                ("currency", models.CharField(max_length=3)),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="matches",
                        to="payments_ledger.settlementrun",
                    ),
                ),
            ],
            options={
                "db_table": "ledger_settlement_match",
                "indexes": [
                    models.Index(models.F("provider"), models.F("reference"), name="ledger_settlement_reference")
                ],
                "constraints": [
                    models.UniqueConstraint(
                        models.F("payment_id"), models.F("seq"), name="ledger_settlement_posting_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="SettlementBreak",
            fields=[
                ("id", models.UUIDField(default=core.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ("provider", models.CharField(max_length=32)),
                ("day", models.DateField()),
                (
                    "reason",
                    models.CharField(
                        choices=[
                            ("missing_in_ledger", "missing in ledger"),
                            ("missing_in_settlement", "missing in settlement"),
                            ("without_reference", "without reference"),
                            ("amount_differs", "amount differs"),
                            ("currency_differs", "currency differs"),
                            ("duplicate_line", "duplicate line"),
                            ("date_drift", "date drift"),
                            ("unreadable_line", "unreadable line"),
                        ],
                        max_length=32,
                    ),
                ),
                ("reference", models.CharField(blank=True, default="", max_length=128)),
                (
                    "lines",
                    models.JSONField(default=list, help_text="numbers of lines in the file, the header's being 1"),
                ),
                ("postings", models.JSONField(default=list, help_text="pairs of payment and sequence number")),
                (
                    "settled_minor",
                    models.JSONField(default=dict, help_text="currency to what the lines say, in minor units"),
                ),
                (
                    "posted_minor",
                    models.JSONField(default=dict, help_text="currency to what the ledger posted, in minor units"),
                ),
                ("detail", models.TextField()),
                (
                    "opened_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("resolved_at", models.DateTimeField(null=True)),
                ("note", models.TextField(blank=True, default="")),
                (
                    "resolved_by",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="breaks",
                        to="payments_ledger.settlementrun",
                    ),
                ),
            ],
            options={
                "db_table": "ledger_settlement_break",
                "indexes": [
                    models.Index(
                        models.OrderBy(models.F("opened_at"), descending=True),
                        models.OrderBy(models.F("id"), descending=True),
                        name="ledger_settlement_break_newest",
                    ),
                    models.Index(
                        models.F("run"),
                        condition=models.Q(("resolved_at__isnull", True)),
                        name="ledger_settlement_break_open",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("note", ""), ("resolved_at__isnull", True), ("resolved_by__isnull", True)),
                            models.Q(("resolved_at__isnull", False), models.Q(("note", ""), _negated=True)),
                            _connector="OR",
                        ),
                        name="ledger_settlement_break_resolved_with_note",
                    )
                ],
            },
        ),
    ]
