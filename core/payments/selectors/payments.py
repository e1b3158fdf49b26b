"""Payments and wallets as PostgreSQL knows them now."""

from collections.abc import Iterable
from uuid import UUID

from django.db.models import QuerySet

from core.payments.models import Payment, PaymentRecording, Wallet


def payments_of_order(order_id: UUID) -> QuerySet[Payment]:
    """All attempts of an order, oldest first."""
    return Payment.objects.filter(order_id=order_id).order_by("created_at", "id")


def recorded_seqs(payment_ids: Iterable[UUID]) -> dict[UUID, int]:
    """How far each payment is recorded in the ledger; a payment not yet recorded at all is left out."""
    known = PaymentRecording.objects.filter(payment_id__in=list(payment_ids))
    return dict(known.values_list("payment_id", "recorded_seq"))


def wallets_of(user_id: UUID) -> QuerySet[Wallet]:
    return Wallet.objects.filter(user_id=user_id).order_by("currency")
