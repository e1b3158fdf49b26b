"""Row locks of payments: payment, operation, voucher, wallet.

Whoever locks a payment of an order holds the order's lock, so two never wait for each other's payments; vouchers and
wallets, which several orders share, come after them, vouchers first.
"""

from uuid import UUID

from core.errors import NotFound
from core.payments.domain.payment_state import PaymentType
from core.payments.models import Dispute, Payment, PaymentOperation


def lock_payment(payment_id: UUID) -> Payment:
    """Taken after its order's row. Raises NotFound."""
    payment = Payment.objects.select_for_update(no_key=True).filter(pk=payment_id).first()
    if payment is None:
        raise NotFound(f"No payment {payment_id} is visible to you.")
    return payment


def lock_payments_of(order_id: UUID, *, checkout_id: UUID | None = None) -> list[Payment]:
    """An order's payments (of one checkout, when given), in the order in which what they hold may be touched."""
    rows = Payment.objects.select_for_update(no_key=True, of=("self",)).select_related("voucher")
    rows = rows.filter(order_id=order_id).order_by("id")
    if checkout_id is not None:
        rows = rows.filter(checkout_id=checkout_id)
    return sorted(rows, key=stored_value_order)


def stored_value_order(payment: Payment) -> tuple[int, str]:
    """Vouchers by code, as a checkout holds them, then wallets, then what needs no lock of its own."""
    places = {PaymentType.VOUCHER: 0, PaymentType.WALLET: 1}
    place = places.get(PaymentType(payment.payment_type), 2)
    return place, payment.voucher.code if payment.voucher is not None else str(payment.id)


def lock_operation(operation_id: UUID) -> PaymentOperation:
    """Taken after its payment's row."""
    return PaymentOperation.objects.select_for_update(no_key=True).get(pk=operation_id)


def lock_dispute(dispute_id: UUID) -> Dispute:
    """Taken after its payment's row."""
    return Dispute.objects.select_for_update(no_key=True).get(pk=dispute_id)
