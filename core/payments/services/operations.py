"""Operations: movements of a payment's money. Claimed by lease, found again from this table whatever else is lost."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from core.clock import now
from core.ids import new_id
from core.payments.domain.operation_state import Attention, OperationKind, OperationState
from core.payments.events import OPERATION, OperationRequested
from core.payments.gateways.protocol import GatewayRequest
from core.payments.models import Payment, PaymentOperation
from outbox.publishing import emit


def request(
    *, payment: Payment, kind: OperationKind, amount_minor: int, reason: str = "", is_final: bool = False
) -> PaymentOperation:
    """Write down that the provider must be asked, and hint it to the gateway role. In the caller's transaction."""
    operation = PaymentOperation.objects.create(
        id=new_id(),
        payment=payment,
        kind=kind,
        gateway=payment.provider,
        token=payment.token,
        amount_minor=amount_minor,
        currency=payment.currency,
        reason=reason,
        is_final=is_final,
        seq=1,
    )
    emit(
        OPERATION,
        str(operation.id),
        operation.seq,
        OperationRequested(
            operation_id=operation.id, payment_id=payment.id, seq=1, kind=kind, gateway=operation.gateway
        ),
    )
    return operation


def settled_at_once(
    *, payment: Payment, kind: OperationKind, amount_minor: int, reason: str = "", is_final: bool = False
) -> PaymentOperation:
    """An operation on stored value: done in the caller's transaction, so nobody has to be asked."""
    return PaymentOperation.objects.create(
        id=new_id(),
        payment=payment,
        kind=kind,
        state=OperationState.SUCCEEDED,
        amount_minor=amount_minor,
        currency=payment.currency,
        reason=reason,
        is_final=is_final,
        next_attempt_at=None,
        settled_at=now(),
    )


_CLAIM = """
UPDATE payments_paymentoperation AS operation
SET state = {state_after}, lease_owner = %(owner)s,
    lease_until = clock_timestamp() + make_interval(secs => %(lease_seconds)s),
    attempts = attempts + %(attempts)s, queries = queries + %(queries)s
WHERE id IN (
    SELECT id FROM payments_paymentoperation
    WHERE {due}
    ORDER BY next_attempt_at LIMIT %(limit)s FOR NO KEY UPDATE SKIP LOCKED)
RETURNING id
"""

# Leases are compared with the primary's clock: workers' clocks may differ.
_TO_SUBMIT = "state = 'requested' AND next_attempt_at <= clock_timestamp()"
_TO_QUERY = """
    (state IN ('unknown', 'accepted') AND next_attempt_at <= clock_timestamp()
     AND (lease_until IS NULL OR lease_until < clock_timestamp()))
    OR (state = 'submitted' AND lease_until < clock_timestamp())
"""
# A lease that ran out leaves no certain outcome; what the provider accepted stays accepted while it is asked for.
_QUERIED = "CASE state WHEN 'accepted' THEN 'accepted' ELSE 'unknown' END"


def claim_to_submit(*, owner: UUID, limit: int) -> Sequence[PaymentOperation]:
    """Take due operations for submission, with a lease. Two claimers never get the same one."""
    return _claim(owner=owner, limit=limit, due=_TO_SUBMIT, state_after="'submitted'", attempts=1, queries=0)


def claim_to_query(*, owner: UUID, limit: int) -> Sequence[PaymentOperation]:
    """Take operations whose outcome must be asked for: without a certain one and due, or with an expired lease."""
    return _claim(owner=owner, limit=limit, due=_TO_QUERY, state_after=_QUERIED, attempts=0, queries=1)


def _claim(
    *, owner: UUID, limit: int, due: str, state_after: str, attempts: int, queries: int
) -> Sequence[PaymentOperation]:
    parameters = {
        "owner": str(owner),
        "lease_seconds": settings.OPERATION_LEASE_SECONDS,
        "attempts": attempts,
        "queries": queries,
        "limit": limit,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_CLAIM.format(due=due, state_after=state_after), parameters)
        ids = [row[0] for row in cursor.fetchall()]
    return list(PaymentOperation.objects.filter(id__in=ids).order_by("id"))


def submit_again(*, operation_id: UUID) -> bool:
    """Put an unknown operation back in line under the same id, because the provider never heard of it.

    False when it was settled meanwhile.
    """
    changed = PaymentOperation.objects.filter(pk=operation_id, state=OperationState.UNKNOWN).update(
        state=OperationState.REQUESTED, next_attempt_at=now(), lease_owner=None, lease_until=None
    )
    return bool(changed)


def settle(
    operation: PaymentOperation, state: OperationState, *, provider_ref: str = "", decline_code: str = ""
) -> None:
    """Write a locked operation's final state. What only asked for an answer asks for attention no more."""
    operation.state = state
    operation.provider_ref = provider_ref
    operation.decline_code = decline_code
    operation.settled_at = now()
    operation.next_attempt_at = operation.lease_owner = operation.lease_until = None
    operation.attention, operation.attention_at = "", None
    operation.save()


def wait_for_outcome(operation: PaymentOperation, state: OperationState) -> None:
    """Write that a locked operation has no final outcome yet (UNKNOWN or ACCEPTED), and when to ask next.

    After the last planned query a person is told; asking goes on for ever, because nothing is failed by time alone.
    """
    delays = settings.OPERATION_QUERY_DELAYS_SECONDS
    operation.state = state
    operation.next_attempt_at = now() + timedelta(seconds=delays[min(operation.queries, len(delays) - 1)])
    operation.lease_owner = operation.lease_until = None
    if state == OperationState.UNKNOWN:
        operation.unknown_at = operation.unknown_at or now()
        if operation.queries >= len(delays):
            flag(operation, Attention.OUTCOME_UNKNOWN)
    operation.save()


def flag(operation: PaymentOperation, attention: Attention) -> None:
    """Say that a person must look at it. The caller saves."""
    if operation.attention != attention:
        operation.attention, operation.attention_at = attention, now()


@transaction.atomic
def resolve(*, operation_id: UUID, resolution: str) -> PaymentOperation | None:
    """Take an operation off the list of those that need attention, with what was done about it. None: not on it."""
    operation = PaymentOperation.objects.select_for_update(no_key=True).filter(pk=operation_id).first()
    if operation is None or not operation.attention:
        return None
    operation.attention, operation.attention_at, operation.resolution = "", None, resolution
    operation.save(update_fields=["attention", "attention_at", "resolution"])
    return operation


def gateway_request(operation: PaymentOperation) -> GatewayRequest:
    return GatewayRequest(
        operation_id=operation.id,
        payment_id=operation.payment_id,
        kind=operation.kind,
        amount_minor=operation.amount_minor,
        currency=operation.currency,
        token=operation.token,
    )
