"""Deadlines and cancellations end a checkout, but never one whose provider may hold money."""

from datetime import timedelta

import pytest

from core.clock import now
from core.orders.domain.checkout_state import CaptureMethod
from core.orders.domain.order_state import FulfilmentStatus
from core.orders.models import Checkout
from core.orders.services import cancellations, deadlines
from core.payments.domain.operation_state import OperationKind
from core.payments.domain.payment_state import PaymentType
from core.payments.errors import OperationInProgress
from core.payments.models import PaymentOperation
from tests.integration.orders.checkout_saga.purchase import Purchase


def overdue(purchase: Purchase) -> None:
    Checkout.objects.filter(order_id=purchase.order_id).update(deadline_at=now() - timedelta(seconds=1))


def test_a_checkout_past_its_deadline_gives_back_what_it_holds(purchase, provider):
    provider.begin(purchase.order_id, purchase.shop.user.id, purchase.wallet(900), provider.card(100))
    overdue(purchase)

    checkout = purchase.checkout()
    swept = [deadlines.expire(checkout_id=checkout.id, order_id=checkout.order_id) for _ in range(2)]

    assert swept == [True, False]
    assert purchase.statuses() == ("draft", "unpaid")
    assert (purchase.held(), purchase.stock()) == ((0, 0), 10)
    assert purchase.payment(PaymentType.CARD).state == "canceled"


@pytest.mark.parametrize("is_answered", [False, True])
def test_no_deadline_ends_a_checkout_whose_provider_may_hold_money(purchase, provider, is_answered):
    provider.begin(purchase.order_id, purchase.shop.user.id, purchase.wallet(900), provider.card(100))
    operation = provider.open_operation(purchase.payment(PaymentType.CARD), OperationKind.AUTHORIZE)
    provider.submitted(operation)
    if is_answered:
        provider.answer(operation, provider.UNKNOWN)
    overdue(purchase)

    checkout = purchase.checkout()

    assert deadlines.expire(checkout_id=checkout.id, order_id=checkout.order_id) is False
    assert purchase.statuses() == ("placed", "pending")


def test_cancelling_a_paid_order_refunds_every_instrument(purchase, provider):
    provider.begin(
        purchase.order_id, purchase.shop.user.id, purchase.wallet(500), purchase.by_voucher(300), provider.card(200)
    )
    provider.settle_everything()
    assert purchase.statuses() == ("confirmed", "paid")

    with provider.parked():
        cancellations.cancel(order_id=purchase.order().id, user_id=purchase.shop.user.id)

    assert purchase.balances() == (2_000, 500)
    assert purchase.statuses() == ("cancelled", "partially_refunded")
    provider.confirm(provider.open_operation(purchase.payment(PaymentType.CARD), OperationKind.REFUND))
    assert purchase.statuses() == ("cancelled", "refunded")
    assert purchase.stock() == 10


def test_cancelling_an_authorized_order_voids_it(purchase, provider):
    provider.begin(
        purchase.order_id,
        purchase.shop.user.id,
        purchase.wallet(500),
        provider.card(500),
        capture_method=CaptureMethod.MANUAL,
    )
    provider.settle_everything()

    with provider.parked():
        cancellations.cancel(order_id=purchase.order().id)
    provider.confirm(provider.open_operation(purchase.payment(PaymentType.CARD), OperationKind.VOID))

    assert purchase.statuses() == ("cancelled", "unpaid")
    assert (purchase.balances(), purchase.held(), purchase.stock()) == ((2_000, 500), (0, 0), 10)


def test_a_placed_order_is_cancelled_before_its_provider_was_asked_and_not_after(purchase, provider):
    provider.begin(purchase.order_id, purchase.shop.user.id, purchase.wallet(500), provider.card(500))
    operation = provider.open_operation(purchase.payment(PaymentType.CARD), OperationKind.AUTHORIZE)
    provider.submitted(operation)

    with pytest.raises(OperationInProgress):
        cancellations.cancel(order_id=purchase.order().id)

    assert purchase.statuses() == ("placed", "pending")
    PaymentOperation.objects.filter(pk=operation.pk).update(state="requested", attempts=0, lease_until=None)
    cancellations.cancel(order_id=purchase.order().id)
    assert purchase.statuses() == (FulfilmentStatus.CANCELLED, "unpaid")
    assert (purchase.held(), purchase.stock()) == ((0, 0), 10)
