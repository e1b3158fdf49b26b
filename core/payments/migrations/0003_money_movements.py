"""Holds, captures, voids, refunds, disputes and vouchers.

Reversible. Safe while the previous release runs: new columns have defaults in the database, and constraints on tables
in use are added without a scan; migration 0004 validates them.
"""

import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.datetime
from django.conf import settings
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models

import core.ids


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0002_payment_event"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Dispute",
            fields=[
                ("id", models.UUIDField(default=core.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ("provider", models.CharField(max_length=32)),
                ("provider_dispute_id", models.CharField(max_length=128)),
                ("amount_minor", models.BigIntegerField()),
                ("currency", models.CharField(max_length=3)),
                ("reason", models.CharField(blank=True, default="", max_length=64)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "open"),
                            ("evidence_submitted", "evidence submitted"),
                            ("won", "won"),
                            ("lost", "lost"),
                        ],
                        max_length=24,
                    ),
                ),
                ("evidence", models.TextField(blank=True, default="")),
                (
                    "opened_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("closed_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="Voucher",
            fields=[
                ("id", models.UUIDField(default=core.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ("code", models.CharField(max_length=32, unique=True)),
                ("currency", models.CharField(max_length=3)),
                ("issued_minor", models.BigIntegerField()),
                ("balance_minor", models.BigIntegerField()),
                ("held_minor", models.BigIntegerField(default=0)),
                ("expires_at", models.DateTimeField(null=True)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
            ],
        ),
        migrations.AddField(
            model_name="payment",
            name="captured_seq",
            field=models.IntegerField(db_default=0, default=0, help_text="sequence number of the last capture"),
        ),
        migrations.AddField(
            model_name="payment",
            name="checkout_id",
            field=models.UUIDField(help_text="the checkout it belongs to, when that is a saga", null=True),
        ),
        migrations.AddField(
            model_name="payment",
            name="disputed_minor",
            field=models.BigIntegerField(db_default=0, default=0, help_text="in open and in lost disputes"),
        ),
        migrations.AddField(
            model_name="payment",
            name="pending_capture_minor",
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="payment",
            name="pending_refund_minor",
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="payment",
            name="token",
            field=models.CharField(
                blank=True, db_default="", default="", help_text="never a card number", max_length=64
            ),
        ),
        migrations.AddField(
            model_name="paymentoperation",
            name="attention",
            field=models.CharField(
                blank=True,
                choices=[
                    ("capture_declined", "capture declined"),
                    ("void_declined", "void declined"),
                    ("refund_declined", "refund declined"),
                    ("amount_differs", "amount differs"),
                    ("outcome_unknown", "outcome unknown"),
                    ("contradicted", "contradicted"),
                ],
                db_default="",
                default="",
                max_length=32,
            ),
        ),
        migrations.AddField(
            model_name="paymentoperation",
            name="attention_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="paymentoperation",
            name="is_final",
            field=models.BooleanField(db_default=False, default=False, help_text="a capture that lets the rest go"),
        ),
        migrations.AddField(
            model_name="paymentoperation",
            name="reason",
            field=models.CharField(
                blank=True, db_default="", default="", help_text="why it was asked for", max_length=255
            ),
        ),
        migrations.AddField(
            model_name="paymentoperation",
            name="resolution",
            field=models.CharField(
                blank=True, db_default="", default="", help_text="what a person did", max_length=255
            ),
        ),
        migrations.AddField(
            model_name="paymentoperation",
            name="unknown_at",
            field=models.DateTimeField(help_text="when its outcome was first uncertain", null=True),
        ),
        migrations.AddField(
            model_name="wallet",
            name="held_minor",
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AlterField(
            model_name="payment",
            name="payment_type",
            field=models.CharField(
                choices=[
                    ("wallet", "wallet"),
                    ("card", "card"),
                    ("voucher", "voucher"),
                    ("boleto", "boleto"),
                    ("deposit", "deposit"),
                    ("voucher_issue", "voucher issue"),
                    ("imported", "imported"),
                    ("credit", "credit"),
                    ("adjustment", "adjustment"),
                ],
                max_length=16,
            ),
        ),
        migrations.AlterField(
            model_name="payment",
            name="state",
            field=models.CharField(
                choices=[
                    ("processing", "processing"),
                    ("requires_action", "requires action"),
                    ("unknown", "unknown"),
                    ("authorized", "authorized"),
                    ("partially_captured", "partially captured"),
                    ("captured", "captured"),
                    ("failed", "failed"),
                    ("canceled", "canceled"),
                    ("posted", "posted"),
                ],
                max_length=24,
            ),
        ),
        migrations.AlterField(
            model_name="paymentoperation",
            name="gateway",
            field=models.CharField(blank=True, default="", max_length=32),
        ),
        migrations.AlterField(
            model_name="paymentoperation",
            name="kind",
            field=models.CharField(
                choices=[("authorize", "authorize"), ("capture", "capture"), ("void", "void"), ("refund", "refund")],
                max_length=16,
            ),
        ),
        migrations.AlterField(
            model_name="paymentoperation",
            name="state",
            field=models.CharField(
                choices=[
                    ("requested", "requested"),
                    ("submitted", "submitted"),
                    ("unknown", "unknown"),
                    ("accepted", "accepted"),
                    ("succeeded", "succeeded"),
                    ("declined", "declined"),
                    ("canceled", "canceled"),
                ],
                default="requested",
                max_length=16,
            ),
        ),
        migrations.AlterField(
            model_name="paymentoperation",
            name="token",
            field=models.CharField(
                blank=True,
                default="",
                help_text="the provider's token of the instrument, never a card number",
                max_length=64,
            ),
        ),
        AddConstraintNotValid(
            model_name="wallet",
            constraint=models.CheckConstraint(
                condition=models.Q(("held_minor__gte", 0), ("held_minor__lte", models.F("balance_minor"))),
                name="wallet_held_within_balance",
            ),
        ),
        migrations.AddField(
            model_name="dispute",
            name="payment",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="disputes", to="payments.payment"
            ),
        ),
        migrations.AddConstraint(
            model_name="voucher",
            constraint=models.CheckConstraint(
                condition=models.Q(("balance_minor__gte", 0)), name="voucher_not_negative"
            ),
        ),
        migrations.AddConstraint(
            model_name="voucher",
            constraint=models.CheckConstraint(
                condition=models.Q(("balance_minor__lte", models.F("issued_minor"))), name="voucher_within_issue"
            ),
        ),
        migrations.AddConstraint(
            model_name="voucher",
            constraint=models.CheckConstraint(
                condition=models.Q(("held_minor__gte", 0), ("held_minor__lte", models.F("balance_minor"))),
                name="voucher_held_within_balance",
            ),
        ),
        migrations.AddField(
            model_name="payment",
            name="voucher",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="payments", to="payments.voucher"
            ),
        ),
        AddConstraintNotValid(
            model_name="payment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("pending_capture_minor__gte", 0),
                    ("pending_refund_minor__gte", 0),
                    (
                        "authorized_minor__gte",
                        django.db.models.expressions.CombinedExpression(
                            models.F("captured_minor"), "+", models.F("pending_capture_minor")
                        ),
                    ),
                    (
                        "captured_minor__gte",
                        django.db.models.expressions.CombinedExpression(
                            models.F("refunded_minor"), "+", models.F("pending_refund_minor")
                        ),
                    ),
                ),
                name="payment_pending_within_totals",
            ),
        ),
        AddConstraintNotValid(
            model_name="payment",
            constraint=models.CheckConstraint(
                condition=models.Q(("disputed_minor__gte", 0), ("disputed_minor__lte", models.F("captured_minor"))),
                name="payment_disputed_within_captured",
            ),
        ),
        migrations.AddConstraint(
            model_name="dispute",
            constraint=models.UniqueConstraint(
                models.F("provider"), models.F("provider_dispute_id"), name="dispute_once_per_provider"
            ),
        ),
        migrations.AddConstraint(
            model_name="dispute",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount_minor__gt", 0)), name="dispute_amount_positive"
            ),
        ),
    ]
