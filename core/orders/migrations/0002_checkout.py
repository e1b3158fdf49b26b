"""The checkout saga's own row. Reversible; safe while the previous release runs: it only adds a table."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

import core.ids


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Checkout",
            fields=[
                ("id", models.UUIDField(default=core.ids.new_id, editable=False, primary_key=True, serialize=False)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("running", "running"),
                            ("compensating", "compensating"),
                            ("completed", "completed"),
                            ("failed", "failed"),
                        ],
                        default="running",
                        max_length=16,
                    ),
                ),
                ("step", models.SmallIntegerField(default=0, help_text="position in the saga's list of steps")),
                (
                    "capture_method",
                    models.CharField(choices=[("automatic", "automatic"), ("manual", "manual")], max_length=16),
                ),
                (
                    "ends_as",
                    models.CharField(
                        choices=[
                            ("draft", "draft"),
                            ("placed", "placed"),
                            ("confirmed", "confirmed"),
                            ("shipped", "shipped"),
                            ("cancelled", "cancelled"),
                        ],
                        default="draft",
                        help_text="what the order becomes when the checkout fails",
                        max_length=16,
                    ),
                ),
                ("deadline_at", models.DateTimeField()),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("finished_at", models.DateTimeField(null=True)),
                (
                    "order",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="checkouts", to="orders.order"
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        models.F("deadline_at"), condition=models.Q(("state", "running")), name="checkout_deadline"
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        models.F("order"),
                        condition=models.Q(("state__in", ["running", "compensating"])),
                        name="checkout_one_live_per_order",
                    )
                ],
            },
        ),
    ]
