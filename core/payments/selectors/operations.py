"""Operations as they stand."""

from uuid import UUID

from django.db.models import OuterRef, QuerySet

from core.errors import NotFound
from core.payments.domain.operation_state import (
    AT_PROVIDER_STATES,
    OPEN_OPERATION_STATES,
    OperationKind,
    OperationState,
)
from core.payments.errors import OperationInProgress
from core.payments.models import Payment, PaymentOperation


def operations_of(payment_id: UUID) -> QuerySet[PaymentOperation]:
    """All of a payment's, oldest first."""
    return PaymentOperation.objects.filter(payment_id=payment_id).order_by("created_at", "id")


def operation_by_id(operation_id: UUID, *, user_id: UUID | None = None) -> PaymentOperation:
    """With its payment (with `user_id` only that user's). Raises NotFound, the same for another user's as for none."""
    operations = PaymentOperation.objects.select_related("payment").filter(pk=operation_id)
    if user_id is not None:
        operations = operations.filter(payment__user_id=user_id)
    operation = operations.first()
    if operation is None:
        raise NotFound(f"No operation {operation_id} is visible to you.")
    return operation


def open_operations(payment_id: UUID) -> QuerySet[PaymentOperation]:
    """Those of a payment that have no final outcome."""
    return PaymentOperation.objects.filter(payment_id=payment_id, state__in=OPEN_OPERATION_STATES)


def refuse_while_open(payment: Payment, *kinds: OperationKind) -> None:
    """Raise OperationInProgress while an operation of one of these kinds has no final outcome."""
    operation = open_operations(payment.id).filter(kind__in=kinds).first()
    if operation is not None:
        raise OperationInProgress(
            f"The {operation.kind} {operation.id} of this payment is {operation.state}: wait until it is settled.",
            operation_id=str(operation.id),
        )


def has_final_capture(payment_id: UUID) -> bool:
    """Whether a capture went through after which the rest is to be let go."""
    captures = PaymentOperation.objects.filter(payment_id=payment_id, kind=OperationKind.CAPTURE, is_final=True)
    return captures.filter(state=OperationState.SUCCEEDED).exists()


def at_provider(order_id: UUID | OuterRef) -> QuerySet[PaymentOperation]:
    """Operations of an order's payments on which a provider may have acted already."""
    return PaymentOperation.objects.filter(payment__order_id=order_id, state__in=AT_PROVIDER_STATES)


def needing_attention() -> QuerySet[PaymentOperation]:
    """Operations a person must look at, the longest waiting first."""
    return PaymentOperation.objects.exclude(attention="").select_related("payment").order_by("attention_at", "id")
