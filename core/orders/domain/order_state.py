"""Where an order can be, and how it moves. The only table of an order's transitions."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class FulfilmentStatus(StrEnum):
    DRAFT = "draft"  # lines may change
    PLACED = "placed"  # stock is reserved, money is on its way
    CONFIRMED = "confirmed"  # paid or authorized
    SHIPPED = "shipped"  # shipped
    CANCELLED = "cancelled"  # cancelled


class PaymentStatus(StrEnum):
    UNPAID = "unpaid"  # no money taken or held
    PENDING = "pending"  # an attempt is under way or its outcome is unknown
    AUTHORIZED = "authorized"  # held in full, nothing captured
    PARTIALLY_PAID = "partially_paid"  # captured in part
    PAID = "paid"  # captured in full
    PARTIALLY_REFUNDED = "partially_refunded"  # refunded in part
    REFUNDED = "refunded"  # refunded in full
    FAILED = "failed"  # every attempt ended without money


FULFILMENT_TRANSITIONS: dict[FulfilmentStatus, frozenset[FulfilmentStatus]] = {
    FulfilmentStatus.DRAFT: frozenset(
        {FulfilmentStatus.PLACED, FulfilmentStatus.CONFIRMED, FulfilmentStatus.CANCELLED}
    ),
    FulfilmentStatus.PLACED: frozenset(
        {FulfilmentStatus.CONFIRMED, FulfilmentStatus.DRAFT, FulfilmentStatus.CANCELLED}
    ),
    FulfilmentStatus.CONFIRMED: frozenset({FulfilmentStatus.SHIPPED, FulfilmentStatus.CANCELLED}),
    FulfilmentStatus.SHIPPED: frozenset(),
    FulfilmentStatus.CANCELLED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class PaymentTotals:
    """What one payment contributes to its order's payment status, in minor units.

    `is_pending`: undecided, or with a capture on its way. `committed_minor`: what it may still come to take.
    """

    is_pending: bool
    is_failed: bool
    committed_minor: int
    authorized_minor: int
    captured_minor: int
    refunded_minor: int


def fold_payment_status(total_minor: int, payments: Iterable[PaymentTotals]) -> PaymentStatus:
    """The payment status of an order, from all of its payments and nothing else."""
    rows = list(payments)
    captured = sum(row.captured_minor for row in rows)
    refunded = sum(row.refunded_minor for row in rows)
    if captured and refunded >= captured:
        return PaymentStatus.REFUNDED
    if refunded:
        return PaymentStatus.PARTIALLY_REFUNDED
    if captured and captured >= total_minor:
        return PaymentStatus.PAID
    if any(row.is_pending for row in rows):
        return PaymentStatus.PENDING
    if captured:
        return PaymentStatus.PARTIALLY_PAID
    if rows and total_minor and sum(row.authorized_minor for row in rows) >= total_minor:
        return PaymentStatus.AUTHORIZED
    if any(row.is_failed for row in rows):
        return PaymentStatus.FAILED
    return PaymentStatus.UNPAID


def fold_committed_minor(payments: Iterable[PaymentTotals]) -> int:
    """Captured, held and pending over all payments; the database keeps it within the order's total."""
    return sum(row.committed_minor for row in payments)
