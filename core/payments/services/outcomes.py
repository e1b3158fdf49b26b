"""What a provider's decision means for a payment, by the kind of operation. THE map from outcomes to effects."""

from collections.abc import Callable
from dataclasses import dataclass

from core.payments.domain.operation_state import OperationKind, OperationState
from core.payments.domain.payment_state import EventType, PaymentState
from core.payments.gateways.protocol import GatewayResult
from core.payments.models import Payment, PaymentOperation
from core.payments.services import authorizations, captures, operations, payments, refunds, voids

Effect = Callable[[Payment, PaymentOperation, GatewayResult], None]


@dataclass(frozen=True, slots=True)
class Effects:
    """What to do when the provider confirmed, and when it refused."""

    succeeded: Effect
    declined: Effect


EFFECTS: dict[OperationKind, Effects] = {
    OperationKind.AUTHORIZE: Effects(authorizations.succeeded, authorizations.declined),
    OperationKind.CAPTURE: Effects(captures.succeeded, captures.declined),
    OperationKind.VOID: Effects(voids.succeeded, voids.declined),
    OperationKind.REFUND: Effects(refunds.succeeded, refunds.declined),
}
assert set(EFFECTS) == set(OperationKind), "every kind of operation needs its effects here"


def succeed(payment: Payment, operation: PaymentOperation, result: GatewayResult) -> None:
    operations.settle(operation, OperationState.SUCCEEDED, provider_ref=result.provider_ref)
    EFFECTS[OperationKind(operation.kind)].succeeded(payment, operation, result)


def decline(payment: Payment, operation: PaymentOperation, result: GatewayResult) -> None:
    operations.settle(
        operation, OperationState.DECLINED, provider_ref=result.provider_ref, decline_code=result.decline_code
    )
    EFFECTS[OperationKind(operation.kind)].declined(payment, operation, result)


def accept(payment: Payment, operation: PaymentOperation, result: GatewayResult) -> None:
    """The provider took the operation and will decide later."""
    operation.provider_ref = result.provider_ref
    operations.wait_for_outcome(operation, OperationState.ACCEPTED)
    if operation.kind == OperationKind.AUTHORIZE:
        authorizations.accepted(payment, operation, result)


def leave_unknown(payment: Payment, operation: PaymentOperation) -> None:
    """No certain answer: set when the provider is asked next, and tell of it once."""
    is_told = operation.unknown_at is not None
    is_accepted = operation.state == OperationState.ACCEPTED
    # An unanswered query takes nothing back that the provider said before.
    state = OperationState.ACCEPTED if is_accepted else OperationState.UNKNOWN
    operations.wait_for_outcome(operation, state)
    if not is_told and not is_accepted and payment.state != PaymentState.REQUIRES_ACTION:
        payments.advance(payment, EventType.UNKNOWN, amount_minor=operation.amount_minor, object_id=operation.id)
