"""Rows of payments: the control row that decides, its operations, and the append-only history."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from core.accounts.models import User
from core.clock import now
from core.db.choices import choices_of
from core.ids import new_id
from core.payments.domain.dispute_state import DisputeState
from core.payments.domain.operation_state import OPEN_OPERATION_STATES, Attention, OperationKind, OperationState
from core.payments.domain.payment_state import PaymentState, PaymentType

# Held money is still there and can be neither spent nor held again.
HELD_WITHIN_BALANCE = Q(held_minor__gte=0) & Q(held_minor__lte=F("balance_minor"))


class Wallet(models.Model):
    """What we owe a user, one row a currency; the database keeps it from going below zero.

    `balance_minor` is posted, `held_minor` the part of it that authorized payments hold; available is the difference.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="wallets")
    currency = models.CharField(max_length=3)
    balance_minor = models.BigIntegerField(default=0)
    held_minor = models.BigIntegerField(default=0, db_default=0)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(F("user"), F("currency"), name="wallet_once_per_currency"),
            models.CheckConstraint(name="wallet_not_negative", condition=Q(balance_minor__gte=0)),
            models.CheckConstraint(name="wallet_held_within_balance", condition=HELD_WITHIN_BALANCE),
        ]


class Voucher(models.Model):
    """What we owe whoever has the code. The code is a secret of its bearer: long and random."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    code = models.CharField(max_length=32, unique=True)
    currency = models.CharField(max_length=3)
    issued_minor = models.BigIntegerField()
    balance_minor = models.BigIntegerField()
    held_minor = models.BigIntegerField(default=0)
    expires_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(name="voucher_not_negative", condition=Q(balance_minor__gte=0)),
            models.CheckConstraint(name="voucher_within_issue", condition=Q(balance_minor__lte=F("issued_minor"))),
            models.CheckConstraint(name="voucher_held_within_balance", condition=HELD_WITHIN_BALANCE),
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
    state = models.CharField(max_length=24, choices=choices_of(PaymentState))
    seq = models.IntegerField(help_text="sequence number of the last event; dense from 1")
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()
    authorized_minor = models.BigIntegerField(default=0)
    captured_minor = models.BigIntegerField(default=0)
    refunded_minor = models.BigIntegerField(default=0)
    disputed_minor = models.BigIntegerField(default=0, db_default=0, help_text="in open and in lost disputes")
    pending_capture_minor = models.BigIntegerField(default=0, db_default=0)
    pending_refund_minor = models.BigIntegerField(default=0, db_default=0)
    captured_seq = models.IntegerField(default=0, db_default=0, help_text="sequence number of the last capture")
    checkout_id = models.UUIDField(null=True, help_text="the checkout it belongs to, when that is a saga")
    voucher = models.ForeignKey(Voucher, null=True, on_delete=models.PROTECT, related_name="payments")
    token = models.CharField(max_length=64, blank=True, default="", db_default="", help_text="never a card number")
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
            models.CheckConstraint(
                name="payment_pending_within_totals",
                condition=Q(pending_capture_minor__gte=0)
                & Q(pending_refund_minor__gte=0)
                & Q(authorized_minor__gte=F("captured_minor") + F("pending_capture_minor"))
                & Q(captured_minor__gte=F("refunded_minor") + F("pending_refund_minor")),
            ),
            # What a provider received once is credited once, whatever keys the requests had.
            models.UniqueConstraint(
                "provider",
                "provider_ref",
                name="payment_deposit_once",
                condition=Q(payment_type=PaymentType.DEPOSIT) & ~Q(provider_ref=""),
            ),
            # A dispute is the provider's word and can follow a refund, so the two are not limited together.
            models.CheckConstraint(
                name="payment_disputed_within_captured",
                condition=Q(disputed_minor__gte=0) & Q(disputed_minor__lte=F("captured_minor")),
            ),
        ]


class PaymentOperation(models.Model):
    """One movement of a payment's money: authorize, capture, void or refund.

    At a provider its id is the idempotency key, and it happens exactly once. Of stored value it is settled in the
    transaction that makes it, and `gateway` is empty.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="operations")
    kind = models.CharField(max_length=16, choices=choices_of(OperationKind))
    state = models.CharField(max_length=16, choices=choices_of(OperationState), default=OperationState.REQUESTED)
    gateway = models.CharField(max_length=32, blank=True, default="")
    token = models.CharField(
        max_length=64, blank=True, default="", help_text="the provider's token of the instrument, never a card number"
    )
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    provider_ref = models.CharField(max_length=128, blank=True, default="")
    decline_code = models.CharField(max_length=64, blank=True, default="")
    reason = models.CharField(max_length=255, blank=True, default="", db_default="", help_text="why it was asked for")
    is_final = models.BooleanField(default=False, db_default=False, help_text="a capture that lets the rest go")
    unknown_at = models.DateTimeField(null=True, help_text="when its outcome was first uncertain")
    attention = models.CharField(max_length=32, choices=choices_of(Attention), blank=True, default="", db_default="")
    attention_at = models.DateTimeField(null=True)
    resolution = models.CharField(max_length=255, blank=True, default="", db_default="", help_text="what a person did")
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
                name="operation_open",
                condition=Q(state__in=[state.value for state in OPEN_OPERATION_STATES]),
            ),
            models.Index("attention_at", name="operation_attention", condition=~Q(attention="")),
        ]
        constraints = [
            models.CheckConstraint(name="operation_amount_positive", condition=Q(amount_minor__gt=0)),
        ]


class Dispute(models.Model):
    """A capture the customer contests, as the provider tells it. One row for each of the provider's disputes."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="disputes")
    provider = models.CharField(max_length=32)
    provider_dispute_id = models.CharField(max_length=128)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    reason = models.CharField(max_length=64, blank=True, default="")
    state = models.CharField(max_length=24, choices=choices_of(DisputeState))
    evidence = models.TextField(blank=True, default="")
    opened_at = models.DateTimeField(db_default=Now(), editable=False)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(F("provider"), F("provider_dispute_id"), name="dispute_once_per_provider"),
            models.CheckConstraint(name="dispute_amount_positive", condition=Q(amount_minor__gt=0)),
        ]


class LedgerCalendar(models.Model):
    """How many buckets a booking day has; a missing day uses the newest earlier row.

    The database refuses a row less than a day ahead and any change of one that is there, so that a count never takes
    effect in the middle of a day (migration 0005). services.calendar plans one.
    """

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


class SealedDay(models.Model):
    """A booking day that is closed for good: PostgreSQL's copy of its seal. No event enters such a day any more.

    Append-only like PaymentEvent. `body` is the seal's canonical JSON, `seal_hash` its SHA-256 (the table checks it)
    and `prev_hash` the hash of the seal with the number before, so that the newest `seal_hash` vouches for all.
    """

    booking_day = models.DateField(primary_key=True)
    seal_no = models.BigIntegerField(unique=True, help_text="in the order of sealing, dense from 1")
    seal_hash = models.BinaryField()
    prev_hash = models.BinaryField(unique=True, help_text="32 zero bytes before the first")
    body = models.BinaryField()
    sealed_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(name="sealed_day_from_one", condition=Q(seal_no__gte=1))]


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
