"""Several instruments for one order: all are authorized before any is taken, or the checkout changes nothing."""

import pytest

from core.errors import AppError
from core.orders.domain.checkout_state import CheckoutState
from core.orders.errors import InstrumentsMismatch, OutOfStock
from core.orders.services.instruments import Instrument
from core.payments.domain.operation_state import OperationKind
from core.payments.domain.payment_state import PaymentType
from core.payments.errors import InsufficientFunds
from tests.storefront import payments_of


def test_stored_value_alone_is_paid_in_one_transaction(purchase, provider):
    order = provider.begin(purchase.order_id, purchase.shop.user.id, purchase.wallet(600), purchase.by_voucher(400))

    assert (order.fulfilment_status, order.payment_status) == ("confirmed", "paid")
    assert purchase.balances() == (1_400, 100)
    assert purchase.held() == (0, 0)
    assert purchase.checkout().state == CheckoutState.COMPLETED
    assert {payment.payment_type: payment.state for payment in payments_of(purchase.order_id)} == {
        "voucher": "captured",
        "wallet": "captured",
    }


def test_nothing_is_taken_before_every_instrument_is_authorized(purchase, provider):
    provider.begin(purchase.order_id, purchase.shop.user.id, purchase.wallet(600), provider.card(400))

    assert purchase.statuses() == ("placed", "pending")
    assert purchase.balances() == (2_000, 500)
    assert purchase.held() == (600, 0)
    provider.confirm(provider.open_operation(purchase.payment(PaymentType.CARD), OperationKind.AUTHORIZE))
    assert purchase.statuses() == ("confirmed", "pending")
    assert purchase.balances() == (1_400, 500)
    provider.confirm(provider.open_operation(purchase.payment(PaymentType.CARD), OperationKind.CAPTURE))
    assert purchase.statuses() == ("confirmed", "paid")
    assert purchase.stock() == 8


@pytest.mark.parametrize(
    ("instruments", "error"),
    [
        ([Instrument(PaymentType.WALLET, 999)], InstrumentsMismatch),
        ([Instrument(PaymentType.WALLET, 500), Instrument(PaymentType.WALLET, 500)], InstrumentsMismatch),
        ([Instrument(PaymentType.VOUCHER, 1_000, code="NOSUCHCODE")], AppError),
    ],
)
def test_a_refused_checkout_changes_nothing(purchase, provider, instruments, error):
    with pytest.raises(error):
        provider.begin(purchase.order_id, purchase.shop.user.id, *instruments)

    assert purchase.statuses() == ("draft", "unpaid")
    assert (purchase.balances(), purchase.held(), purchase.stock()) == ((2_000, 500), (0, 0), 10)
    assert payments_of(purchase.order_id) == []


def test_what_is_held_can_be_neither_spent_nor_held_again(purchase, provider):
    provider.begin(purchase.order_id, purchase.shop.user.id, purchase.wallet(900), provider.card(100))
    other = purchase.shop.order(purchase.shop.product(price_minor=1_101))

    with pytest.raises(InsufficientFunds):
        provider.begin(other, purchase.shop.user.id, purchase.wallet(1_101))

    assert purchase.shop.checkout(other).status_code == 402


def test_stock_that_is_sold_out_refuses_the_whole_checkout(purchase, provider):
    type(purchase.product).objects.filter(pk=purchase.product.pk).update(stock=1)

    with pytest.raises(OutOfStock):
        provider.begin(purchase.order_id, purchase.shop.user.id, purchase.wallet(1_000))

    assert purchase.balances() == (2_000, 500)
    assert payments_of(purchase.order_id) == []
    type(purchase.product).objects.filter(pk=purchase.product.pk).update(stock=10)
