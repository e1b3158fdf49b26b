"""What a provider's decision means for a payment, by the kind of operation. THE map from outcomes to effects."""

from collections.abc import Callable
from dataclasses import dataclass

import structlog

from core.payments.domain.operation_state import Attention, OperationKind, OperationState
from core.payments.domain.payment_state import EventType, PaymentState
from core.payments.gateways.protocol import GatewayResult, Outcome
from core.payments.models import Payment, PaymentOperation
from core.payments.services import authorizations, captures, operations, payments, refunds, voids

log = structlog.get_logger(__name__)

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


# Final state → what a provider can only say if we booked something else than it did.
_CONTRADICTIONS: dict[OperationState, frozenset[Outcome]] = {
    OperationState.SUCCEEDED: frozenset({Outcome.DECLINED}),
    OperationState.DECLINED: frozenset({Outcome.SUCCEEDED}),
    OperationState.CANCELED: frozenset({Outcome.SUCCEEDED, Outcome.DECLINED, Outcome.PENDING}),
}


def compare(operation: PaymentOperation, result: GatewayResult) -> None:
    """Tell a person when the provider's word about a settled operation contradicts what is booked; book nothing."""
    is_other_amount = result.outcome == Outcome.SUCCEEDED and result.amount_minor != operation.amount_minor
    if result.outcome in _CONTRADICTIONS[OperationState(operation.state)] or is_other_amount:
        log.error("operation.contradicted", operation_id=str(operation.id), ours=operation.state, theirs=result.outcome)
        operations.flag(operation, Attention.CONTRADICTED)
        operation.save(update_fields=["attention", "attention_at"])


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
