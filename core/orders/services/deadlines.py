"""The deadline sweeper: checkouts that nobody finished give back what they hold."""

from uuid import UUID

import structlog
from django.db.models import Exists, OuterRef

from core.clock import now
from core.db.transactions import atomically
from core.orders.domain.checkout_state import CheckoutState
from core.orders.domain.order_state import FulfilmentStatus
from core.orders.locks import lock_order
from core.orders.models import Checkout
from core.orders.services import checkout_saga
from core.payments.selectors.operations import at_provider

log = structlog.get_logger(__name__)


def sweep(*, limit: int) -> int:
    """Turn back up to `limit` checkouts past their deadline; returns how many. Idempotent, any number may run."""
    overdue = Checkout.objects.filter(
        # Those at a provider are left out here too, or a hundred of them would hide every other.
        ~Exists(at_provider(OuterRef("order_id"))),
        state=CheckoutState.RUNNING,
        deadline_at__lte=now(),
        order__fulfilment_status=FulfilmentStatus.PLACED,
    )
    found = list(overdue.order_by("deadline_at").values_list("id", "order_id")[:limit])
    return sum(expire(checkout_id=checkout_id, order_id=order_id) for checkout_id, order_id in found)


def expire(*, checkout_id: UUID, order_id: UUID) -> bool:
    """Turn one checkout back. False when it moved meanwhile, or a provider may hold money for it: that is never cut
    short, because only the provider knows.
    """
    return atomically(lambda: _expire(checkout_id, order_id))


def _expire(checkout_id: UUID, order_id: UUID) -> bool:
    order = lock_order(order_id)
    checkout = Checkout.objects.get(pk=checkout_id)
    is_placed = order.fulfilment_status == FulfilmentStatus.PLACED and checkout.state == CheckoutState.RUNNING
    if not is_placed or at_provider(order_id).exists():
        return False
    checkout_saga.compensate(order=order, checkout=checkout, ends_as=FulfilmentStatus.DRAFT)
    log.info("checkout.expired", order_id=str(order_id), checkout_id=str(checkout_id))
    return True
