"""Rows of payments: the control row that decides, its operations, and the append-only history."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from core.accounts.models import User
from core.clock import now
from core.db.choices import choices_of
from core.ids import new_id
from core.payments.domain.payment_state import (
    OPEN_OPERATION_STATES,
    OperationKind,
    OperationState,
    PaymentState,
    PaymentType,
)


class Wallet(models.Model):
    """What we owe a user, one row a currency; the database keeps it from going below zero."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="wallets")
    currency = models.CharField(max_length=3)
    balance_minor = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(F("user"), F("currency"), name="wallet_once_per_currency"),
            models.CheckConstraint(name="wallet_not_negative", condition=Q(balance_minor__gte=0)),
        ]


class Payment(models.Model):
    """Control row of a payment: its state, its totals and the sequence number of its last event.

    `order_id` is an order's id without a foreign key, because payments know nothing of orders; for a deposit, credit
    or adjustment it is the payment's own id.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    order_id = models.UUIDField(db_index=True)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="payments")
    payment_type = models.CharField(max_length=16, choices=choices_of(PaymentType))
    state = models.CharField(max_length=16, choices=choices_of(PaymentState))
    seq = models.IntegerField(help_text="sequence number of the last event; dense from 1")
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()
    authorized_minor = models.BigIntegerField(default=0)
    captured_minor = models.BigIntegerField(default=0)
    refunded_minor = models.BigIntegerField(default=0)
    provider = models.CharField(max_length=32, blank=True, default="")
    provider_ref = models.CharField(max_length=128, blank=True, default="")
    region = models.CharField(max_length=64, blank=True, default="")
    created_at = models.DateTimeField()
    last_booked_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="payment_refunded_captured_authorized",
                condition=Q(refunded_minor__gte=0)
                & Q(captured_minor__gte=F("refunded_minor"))
                & Q(authorized_minor__gte=F("captured_minor")),
            ),
            models.CheckConstraint(
                name="payment_amount_positive_unless_posted",
                condition=Q(amount_minor__gt=0) | Q(payment_type__in=["credit", "adjustment"]),
            ),
            models.CheckConstraint(name="payment_seq_from_one", condition=Q(seq__gte=1)),
        ]


class PaymentOperation(models.Model):
    """One call to a provider that must happen exactly once; its id is the provider's idempotency key."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="operations")
    kind = models.CharField(max_length=16, choices=choices_of(OperationKind))
    state = models.CharField(max_length=16, choices=choices_of(OperationState), default=OperationState.REQUESTED)
    gateway = models.CharField(max_length=32)
    token = models.CharField(max_length=64, help_text="the provider's token of the instrument, never a card number")
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    provider_ref = models.CharField(max_length=128, blank=True, default="")
    decline_code = models.CharField(max_length=64, blank=True, default="")
    attempts = models.IntegerField(default=0, help_text="calls that may have reached the provider")
    queries = models.IntegerField(default=0, help_text="times the provider was asked for the outcome")
    next_attempt_at = models.DateTimeField(null=True, default=now)
    lease_owner = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    seq = models.IntegerField(default=0)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(
                "state",
                "next_attempt_at",
                name="operation_due",
                condition=Q(state__in=[state.value for state in OPEN_OPERATION_STATES]),
            )
        ]
        constraints = [
            models.CheckConstraint(name="operation_amount_positive", condition=Q(amount_minor__gt=0)),
        ]


class LedgerCalendar(models.Model):
    """How many buckets a booking day has; a missing day uses the newest earlier row. Never changed once begun."""

    booking_day = models.DateField(primary_key=True)
    bucket_count = models.SmallIntegerField()

    class Meta:
        constraints = [models.CheckConstraint(name="calendar_buckets_positive", condition=Q(bucket_count__gt=0))]


class PaymentRecording(models.Model):
    """How far Cassandra has acknowledged a payment's events; apart from the payment row, so the two never contend."""

    payment_id = models.UUIDField(primary_key=True)
    recorded_seq = models.IntegerField()
    updated_at = models.DateTimeField(db_default=Now())


class ImportBatch(models.Model):
    """The only thing that may book into past days: while it is open its days are neither verified nor sealed."""

    class State(models.TextChoices):
        OPEN = "open", "open"
        CLOSED = "closed", "closed"

    id = models.UUIDField(primary_key=True, editable=False)
    source = models.CharField(max_length=255)
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    first_day = models.DateField()
    last_day = models.DateField()
    opened_at = models.DateTimeField(db_default=Now())
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="import_batch_days_in_order", condition=Q(first_day__lte=F("last_day")))
        ]


class PaymentEvent(models.Model):
    """One thing that happened to a payment, for ever: PostgreSQL's side of the ledger.

    Append-only (the application role may not UPDATE, DELETE or TRUNCATE), partitioned by month of booking_day, made
    by migration 0002; `body` is byte for byte what Kafka and Cassandra hold.
    """

    # The table's key is (payment_id, seq, booking_day), of which event_id is the image; the admin needs one column.
    event_id = models.UUIDField(primary_key=True)
    payment_id = models.UUIDField()
    seq = models.IntegerField()
    booking_day = models.DateField()
    order_id = models.UUIDField()
    inserted_at = models.DateTimeField(db_default=Now())
    booked_at = models.DateTimeField()
    payment_type = models.TextField()
    bucket = models.SmallIntegerField()
    event_type = models.TextField()
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    postings = models.JSONField()
    body = models.BinaryField()
    body_sha256 = models.BinaryField()

    class Meta:
        managed = False
        db_table = "payments_paymentevent"
