"""Records what a provider said about an operation: the one place where orders and payments move together.

Locks the order first, then payment, operation, stored value and (last) products.
"""

from uuid import UUID

import structlog
from django.db import transaction

from core.db import wakeups
from core.failpoints import failpoint
from core.orders.locks import lock_order
from core.orders.services import checkout_saga
from core.payments.domain.operation_state import OPEN_OPERATION_STATES, Attention
from core.payments.gateways.protocol import GatewayResult, Outcome
from core.payments.locks import lock_operation, lock_payment
from core.payments.models import Payment, PaymentOperation
from core.payments.services import operations, outcomes

log = structlog.get_logger(__name__)


@transaction.atomic
def record(*, operation_id: UUID, result: GatewayResult) -> bool:
    """Record the provider's answer by operation id, whoever holds the lease now. False if it was settled before.

    Idempotent: a second, late or repeated answer changes nothing. Nothing is failed for lack of an answer:
    UNKNOWN only sets the time of the next query, and NOT_FOUND puts the operation back in line under the same id.
    """
    found = PaymentOperation.objects.select_related("payment").get(pk=operation_id)
    order = lock_order(found.payment.order_id)
    payment = lock_payment(found.payment_id)
    operation = lock_operation(operation_id)
    if operation.state not in OPEN_OPERATION_STATES:
        # Somebody else recorded it first: the janitor, a late answer or a webhook. Nothing is booked twice or undone.
        outcomes.compare(operation, result)
        return False
    _apply(payment, operation, result)
    checkout_saga.advance(order)
    wakeups.ring_after_commit(payment.id)
    failpoint("operation.recorded")
    log.info(
        "operation.recorded",
        operation_id=str(operation_id),
        kind=operation.kind,
        outcome=str(result.outcome),
        order_id=str(order.id),
    )
    return True


def _apply(payment: Payment, operation: PaymentOperation, result: GatewayResult) -> None:
    if result.outcome == Outcome.SUCCEEDED and result.amount_minor != operation.amount_minor:
        # Neither amount may be booked before a person has looked; the operation stays unknown and is asked for again.
        log.error(
            "operation.amount_differs",
            operation_id=str(operation.id),
            ours_minor=operation.amount_minor,
            theirs_minor=result.amount_minor,
        )
        operations.flag(operation, Attention.AMOUNT_DIFFERS)
        outcomes.leave_unknown(payment, operation)
    elif result.outcome == Outcome.SUCCEEDED:
        outcomes.succeed(payment, operation, result)
    elif result.outcome == Outcome.DECLINED:
        outcomes.decline(payment, operation, result)
    elif result.outcome == Outcome.PENDING:
        outcomes.accept(payment, operation, result)
    elif result.outcome == Outcome.NOT_FOUND:
        operations.submit_again(operation_id=operation.id)
    else:
        outcomes.leave_unknown(payment, operation)
