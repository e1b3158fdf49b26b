"""Orders and their lines."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from core.accounts.models import User
from core.catalog.models import Product
from core.db.choices import choices_of
from core.ids import new_id
from core.orders.domain.checkout_state import CaptureMethod, CheckoutState
from core.orders.domain.order_state import FulfilmentStatus, PaymentStatus


class Order(models.Model):
    """One purchase. Two statuses: how far the goods are, and (folded from its payments) how far the money is."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="orders")
    number = models.CharField(max_length=64, blank=True, default="", help_text="the seller's own number, if imported")
    currency = models.CharField(max_length=3)
    total_minor = models.BigIntegerField(default=0)
    # Captured + held + pending over all payments: the database refuses to take more than the order is worth.
    committed_minor = models.BigIntegerField(default=0)
    fulfilment_status = models.CharField(
        max_length=16, choices=choices_of(FulfilmentStatus), default=FulfilmentStatus.DRAFT
    )
    payment_status = models.CharField(max_length=24, choices=choices_of(PaymentStatus), default=PaymentStatus.UNPAID)
    seq = models.IntegerField(default=0)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    placed_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index("user", F("created_at").desc(), name="order_by_user")]
        constraints = [
            models.CheckConstraint(
                name="order_committed_within_total",
                condition=Q(committed_minor__gte=0) & Q(committed_minor__lte=F("total_minor")),
            )
        ]


class OrderLine(models.Model):
    """A product, how many, and the price it had when the line was written."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines")
    product = models.ForeignKey(Product, on_delete=models.PROTECT)
    position = models.IntegerField()
    quantity = models.BigIntegerField()
    unit_price_minor = models.BigIntegerField()
    amount_minor = models.BigIntegerField()

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(F("order"), F("position"), name="order_line_position_once"),
        ]


class Checkout(models.Model):
    """One run of the checkout saga (core.orders.services.checkout_saga): how far paying for an order has come.

    A purchase by wallet alone is one transaction and has no such row.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="checkouts")
    state = models.CharField(max_length=16, choices=choices_of(CheckoutState), default=CheckoutState.RUNNING)
    step = models.SmallIntegerField(default=0, help_text="position in the saga's list of steps")
    capture_method = models.CharField(max_length=16, choices=choices_of(CaptureMethod))
    ends_as = models.CharField(
        max_length=16,
        choices=choices_of(FulfilmentStatus),
        default=FulfilmentStatus.DRAFT,
        help_text="what the order becomes when the checkout fails",
    )
    deadline_at = models.DateTimeField()
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index("deadline_at", name="checkout_deadline", condition=Q(state=CheckoutState.RUNNING.value))
        ]
        constraints = [
            models.UniqueConstraint(
                F("order"),
                name="checkout_one_live_per_order",
                condition=Q(state__in=[CheckoutState.RUNNING.value, CheckoutState.COMPENSATING.value]),
            )
        ]
