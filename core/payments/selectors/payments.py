"""Payments and wallets as PostgreSQL knows them now."""

from collections.abc import Iterable
from datetime import UTC
from uuid import UUID

from django.db.models import QuerySet
from django.db.models.functions import TruncMonth

from core.errors import NotFound
from core.payments.domain.voucher_codes import canonical_code
from core.payments.models import Dispute, Payment, PaymentRecording, Voucher, Wallet


def find_payment(payment_id: UUID, *, user_id: UUID | None = None) -> Payment | None:
    """One payment (with `user_id` only that user's), or None."""
    payments = Payment.objects.filter(pk=payment_id)
    if user_id is not None:
        payments = payments.filter(user_id=user_id)
    return payments.first()


def payment_by_id(payment_id: UUID, *, user_id: UUID | None = None) -> Payment:
    """One payment (with `user_id` only that user's). Raises NotFound, the same for another user's as for none."""
    payment = find_payment(payment_id, user_id=user_id)
    if payment is None:
        raise NotFound(f"No payment {payment_id} is visible to you.")
    return payment


def dispute_by_id(dispute_id: UUID) -> Dispute:
    """With its payment. Raises NotFound."""
    dispute = Dispute.objects.select_related("payment").filter(pk=dispute_id).first()
    if dispute is None:
        raise NotFound(f"No dispute {dispute_id} is visible to you.")
    return dispute


def payments_of_order(order_id: UUID) -> QuerySet[Payment]:
    """All attempts of an order, oldest first."""
    return Payment.objects.filter(order_id=order_id).order_by("created_at", "id")


def months_with_payments(user_id: UUID) -> list[int]:
    """The months (202611 for November 2026, UTC) in which the user's payments were created, newest first."""
    moments = Payment.objects.filter(user_id=user_id).values_list(TruncMonth("created_at", tzinfo=UTC), flat=True)
    return [moment.year * 100 + moment.month for moment in sorted(moments.order_by().distinct(), reverse=True)]


def recorded_seqs(payment_ids: Iterable[UUID]) -> dict[UUID, int]:
    """How far each payment is recorded in the ledger; a payment not yet recorded at all is left out."""
    known = PaymentRecording.objects.filter(payment_id__in=list(payment_ids))
    return dict(known.values_list("payment_id", "recorded_seq"))


def wallets_of(user_id: UUID) -> QuerySet[Wallet]:
    return Wallet.objects.filter(user_id=user_id).order_by("currency")


def voucher_by_code(code: str) -> Voucher:
    """Raises NotFound."""
    voucher = Voucher.objects.filter(code=canonical_code(code)).first()
    if voucher is None:
        raise NotFound("No voucher has this code.")
    return voucher
