"""Operations: work at a provider. Claimed by lease, found again from this table whatever else is lost."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from core.clock import now
from core.ids import new_id
from core.payments.domain.payment_state import OperationKind, OperationState
from core.payments.events import OPERATION, OperationRequested
from core.payments.gateways.protocol import GatewayRequest
from core.payments.models import Payment, PaymentOperation
from outbox.publishing import emit


def request(*, payment: Payment, kind: OperationKind, token: str) -> PaymentOperation:
    """Write down that the provider must be asked, and hint it to the gateway role. In the caller's transaction."""
    operation = PaymentOperation.objects.create(
        id=new_id(),
        payment=payment,
        kind=kind,
        gateway=payment.provider,
        token=token,
        amount_minor=payment.amount_minor,
        currency=payment.currency,
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


_CLAIM = """
UPDATE payments_paymentoperation AS operation
SET state = %(state_after)s, lease_owner = %(owner)s,
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
    (state = 'unknown' AND next_attempt_at <= clock_timestamp()
     AND (lease_until IS NULL OR lease_until < clock_timestamp()))
    OR (state = 'submitted' AND lease_until < clock_timestamp())
"""


def claim_to_submit(*, owner: UUID, limit: int) -> Sequence[PaymentOperation]:
    """Take due operations for submission, with a lease. Two claimers never get the same one."""
    return _claim(owner=owner, limit=limit, due=_TO_SUBMIT, state_after=OperationState.SUBMITTED, attempts=1, queries=0)


def claim_to_query(*, owner: UUID, limit: int) -> Sequence[PaymentOperation]:
    """Take operations whose outcome must be asked for: unknown and due, or submitted with an expired lease."""
    return _claim(owner=owner, limit=limit, due=_TO_QUERY, state_after=OperationState.UNKNOWN, attempts=0, queries=1)


def _claim(
    *, owner: UUID, limit: int, due: str, state_after: OperationState, attempts: int, queries: int
) -> Sequence[PaymentOperation]:
    parameters = {
        "state_after": str(state_after),
        "owner": str(owner),
        "lease_seconds": settings.OPERATION_LEASE_SECONDS,
        "attempts": attempts,
        "queries": queries,
        "limit": limit,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_CLAIM.format(due=due), parameters)
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


def postpone_query(operation: PaymentOperation) -> None:
    """Set when the provider is asked next. The caller holds the row lock and saves."""
    delays = settings.OPERATION_QUERY_DELAYS_SECONDS
    delay_seconds = delays[min(operation.queries, len(delays) - 1)]
    operation.next_attempt_at = now() + timedelta(seconds=delay_seconds)
    operation.lease_owner = None
    operation.lease_until = None


def gateway_request(operation: PaymentOperation) -> GatewayRequest:
    return GatewayRequest(
        operation_id=operation.id,
        payment_id=operation.payment_id,
        kind=operation.kind,
        amount_minor=operation.amount_minor,
        currency=operation.currency,
        token=operation.token,
    )
