"""Checkout through the saga: by anything but a wallet alone, which pays in wallet_checkout.py."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction

from core.clock import now
from core.failpoints import failpoint
from core.orders.domain.checkout_state import CaptureMethod
from core.orders.errors import EmptyOrder
from core.orders.models import Checkout, Order
from core.orders.selectors.lines import quantities_of
from core.orders.services import checkout_saga
from core.orders.services.drafts import lock_draft
from core.orders.services.instruments import Instrument, arranged


@transaction.atomic
def begin(
    *,
    order_id: UUID,
    user_id: UUID,
    instruments: Sequence[Instrument],
    capture_method: CaptureMethod = CaptureMethod.AUTOMATIC,
) -> Order:
    """Begin the checkout saga of a draft order: reserve the stock, hold what is ours, ask providers for the rest.

    A single instrument of amount 0 pays the whole order. The order is `placed` until every instrument is authorized.
    Raises OrderNotDraft, EmptyOrder, InstrumentsMismatch, OutOfStock, InsufficientFunds, NoWallet, VoucherUnusable or
    VoucherInsufficient, and then nothing has changed.
    """
    order = lock_draft(order_id=order_id, user_id=user_id)
    require_payable(order, quantities_of(order.id))
    if len(instruments) == 1 and not instruments[0].amount_minor:
        (only,) = instruments
        instruments = [Instrument(only.method, order.total_minor, token=only.token, code=only.code)]
    checkout = Checkout.objects.create(
        order=order,
        capture_method=capture_method,
        deadline_at=now() + timedelta(seconds=settings.CHECKOUT_DEADLINE_SECONDS),
    )
    checkout_saga.start(
        order=order, checkout=checkout, instruments=arranged(instruments, total_minor=order.total_minor)
    )
    failpoint("saga_checkout.requested")
    return order


def require_payable(order: Order, quantities: Counter[UUID]) -> None:
    """Raises EmptyOrder when there is nothing to pay."""
    if not quantities or order.total_minor <= 0:
        raise EmptyOrder("There is nothing to pay: add lines with a price first.")
