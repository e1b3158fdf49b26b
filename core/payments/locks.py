"""Row locks of payments, in the order of architecture.md rule 1: wallet, payment, operation."""

from uuid import UUID

from core.payments.models import Payment, PaymentOperation


def lock_payment(payment_id: UUID) -> Payment:
    return Payment.objects.select_for_update(no_key=True).get(pk=payment_id)


def lock_operation(operation_id: UUID) -> PaymentOperation:
    """Taken after its payment's row."""
    return PaymentOperation.objects.select_for_update(no_key=True).get(pk=operation_id)
