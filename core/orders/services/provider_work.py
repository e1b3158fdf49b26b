"""Runs operations at the provider: claim (transaction) → call (no transaction) → record (transaction).

Called by the gateway role and the janitor; neither decides anything, and both may run in any number.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import structlog
from django.db import connection

from core.db.transactions import atomically
from core.failpoints import failpoint
from core.ids import new_id
from core.orders.services import payment_outcomes
from core.payments.gateways import registry
from core.payments.gateways.protocol import GatewayResult
from core.payments.models import PaymentOperation
from core.payments.services import operations

log = structlog.get_logger(__name__)

Call = Callable[[PaymentOperation], GatewayResult]


def start_submissions(*, pool: ThreadPoolExecutor, limit: int) -> list[Future[None]]:
    """Claim operations that are due and submit them in the pool; one future each, none of which raises."""
    return _start(pool, operations.claim_to_submit(owner=new_id(), limit=limit), _submit)


def start_queries(*, pool: ThreadPoolExecutor, limit: int) -> list[Future[None]]:
    """Claim operations without a certain outcome and ask the provider in the pool; one future each, none raises."""
    return _start(pool, operations.claim_to_query(owner=new_id(), limit=limit), _query)


def _start(pool: ThreadPoolExecutor, claimed: Sequence[PaymentOperation], call: Call) -> list[Future[None]]:
    return [pool.submit(_run, operation, call) for operation in claimed]


def _run(operation: PaymentOperation, call: Call) -> None:
    try:
        failpoint("operation.claimed")
        result = call(operation)
        failpoint("operation.called")
        atomically(lambda: payment_outcomes.record(operation_id=operation.id, result=result))
        failpoint("operation.committed")
    except Exception:
        # The lease runs out and the janitor asks the provider: what happened there is not lost.
        log.exception("operation.not_recorded", operation_id=str(operation.id))
    finally:
        # The pool's threads outlive this call; a broken connection must not wait in one of them.
        connection.close_if_unusable_or_obsolete()


def _submit(operation: PaymentOperation) -> GatewayResult:
    return registry.get(operation.gateway).submit(operations.gateway_request(operation))


def _query(operation: PaymentOperation) -> GatewayResult:
    return registry.get(operation.gateway).query(operation.id)
