"""Records what a provider said about an operation: the one place where orders and payments move together.

Locks the order first, then payment, operation and (last) products, as architecture.md rule 1 has it.
"""

from uuid import UUID

import structlog
from django.db import transaction

from core.catalog.services import stock
from core.clock import now
from core.orders.domain.order_state import FulfilmentStatus
from core.orders.events import OrderPaid, OrderReopened
from core.orders.locks import lock_order
from core.orders.models import Order
from core.orders.services import transitions
from core.orders.services.checkout import quantities_of
from core.payments.domain.payment_state import OPEN_OPERATION_STATES, EventType, OperationState, PaymentState
from core.payments.gateways.protocol import GatewayResult, Outcome
from core.payments.locks import lock_operation, lock_payment
from core.payments.models import Payment, PaymentOperation
from core.payments.services import operations, payments

log = structlog.get_logger(__name__)


@transaction.atomic
def record(*, operation_id: UUID, result: GatewayResult) -> bool:
    """Record the provider's answer by operation id, whoever holds the lease now. False if it was settled before.

    Idempotent: a second, late or repeated answer changes nothing. Nothing is failed for lack of an answer:
    UNKNOWN only sets the time of the next query, and NOT_FOUND puts the operation back in line under the same id.
    """
    operation = PaymentOperation.objects.select_related("payment").get(pk=operation_id)
    order = lock_order(operation.payment.order_id)
    payment = lock_payment(operation.payment_id)
    operation = lock_operation(operation_id)
    if operation.state not in OPEN_OPERATION_STATES:
        # Somebody else recorded it first: the janitor, a late answer or a webhook.
        return False
    if result.outcome == Outcome.SUCCEEDED and result.amount_minor != operation.amount_minor:
        # Neither amount may be booked before a person has looked; the operation stays unknown and is asked for again.
        log.error(
            "operation.amount_differs",
            operation_id=str(operation_id),
            ours_minor=operation.amount_minor,
            theirs_minor=result.amount_minor,
        )
        _unknown(payment, operation)
    elif result.outcome == Outcome.SUCCEEDED:
        _settle(operation, OperationState.SUCCEEDED, result)
        _captured(order, payment, operation)
    elif result.outcome == Outcome.DECLINED:
        _settle(operation, OperationState.DECLINED, result)
        _declined(order, payment, operation)
    elif result.outcome == Outcome.NOT_FOUND:
        operations.submit_again(operation_id=operation.id)
    else:
        _unknown(payment, operation)
    log.info("operation.recorded", operation_id=str(operation_id), outcome=str(result.outcome), order_id=str(order.id))
    return True


def _settle(operation: PaymentOperation, state: OperationState, result: GatewayResult) -> None:
    operation.state = state
    operation.provider_ref = result.provider_ref
    operation.decline_code = result.decline_code
    operation.settled_at = now()
    operation.next_attempt_at = operation.lease_owner = operation.lease_until = None
    operation.save(
        update_fields=[
            "state",
            "provider_ref",
            "decline_code",
            "settled_at",
            "next_attempt_at",
            "lease_owner",
            "lease_until",
        ]
    )


def _captured(order: Order, payment: Payment, operation: PaymentOperation) -> None:
    payments.advance(payment, EventType.CAPTURED, provider_ref=operation.provider_ref, object_id=operation.id)
    transitions.move(order, to=FulfilmentStatus.CONFIRMED, committed_minor=order.committed_minor, publish=OrderPaid)


def _declined(order: Order, payment: Payment, operation: PaymentOperation) -> None:
    payments.advance(payment, EventType.FAILED, provider_ref=operation.provider_ref, object_id=operation.id)
    transitions.move(order, to=FulfilmentStatus.DRAFT, committed_minor=0, publish=OrderReopened)
    stock.give_back(quantities_of(order.id))


def _unknown(payment: Payment, operation: PaymentOperation) -> None:
    operation.state = OperationState.UNKNOWN
    operations.postpone_query(operation)
    operation.save(update_fields=["state", "next_attempt_at", "lease_owner", "lease_until"])
    if payment.state == PaymentState.PROCESSING:
        payments.advance(payment, EventType.UNKNOWN, object_id=operation.id)
