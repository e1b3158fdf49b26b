"""Runs operations at the provider: claim (transaction) → call (no transaction) → record (transaction).

Called by the gateway role and the janitor; neither decides anything, and both may run in any number.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from django.conf import settings
from django.db import connection

from core.db.transactions import atomically
from core.ids import new_id
from core.orders.services import payment_outcomes
from core.payments.gateways import registry
from core.payments.gateways.protocol import GatewayResult
from core.payments.models import PaymentOperation
from core.payments.services import operations


def submit_due(*, pool: ThreadPoolExecutor, limit: int) -> int:
    """Submit operations that are due, concurrently; returns how many were taken."""
    return _run(pool, operations.claim_to_submit(owner=new_id(), limit=limit), _submit)


def query_due(*, pool: ThreadPoolExecutor, limit: int) -> int:
    """Ask the provider about operations without a certain outcome; returns how many were asked for."""
    return _run(pool, operations.claim_to_query(owner=new_id(), limit=limit), _query)


def _run(
    pool: ThreadPoolExecutor,
    claimed: Sequence[PaymentOperation],
    call: Callable[[PaymentOperation], GatewayResult],
) -> int:
    def work(operation: PaymentOperation) -> None:
        try:
            result = call(operation)
            atomically(lambda: payment_outcomes.record(operation_id=operation.id, result=result))
        finally:
            # The pool's threads outlive this call; a broken connection must not wait in one of them.
            connection.close_if_unusable_or_obsolete()

    futures = [pool.submit(work, operation) for operation in claimed]
    for future in futures:
        future.result(timeout=settings.OPERATION_LEASE_SECONDS * 2)
    return len(claimed)


def _submit(operation: PaymentOperation) -> GatewayResult:
    return registry.get(operation.gateway).submit(operations.gateway_request(operation))


def _query(operation: PaymentOperation) -> GatewayResult:
    return registry.get(operation.gateway).query(operation.id)
