"""Several instruments for one order: all or none, voids and releases before the pivot, forward after it."""

from datetime import timedelta

import pytest

from core.clock import now
from core.errors import AppError
from core.money import Money
from core.orders.domain.checkout_state import CaptureMethod, CheckoutState
from core.orders.domain.order_state import FulfilmentStatus
from core.orders.errors import InstrumentsMismatch, OutOfStock
from core.orders.models import Checkout, Order
from core.orders.services import cancellations, deadlines, payment_actions
from core.orders.services.instruments import Instrument
from core.payments.domain.operation_state import Attention, OperationKind
from core.payments.domain.payment_state import PaymentType
from core.payments.errors import InsufficientFunds, OperationInProgress
from core.payments.models import Payment, PaymentOperation, Wallet
from core.payments.services import vouchers
from tests.storefront import Storefront, events_of, payments_of

TOTAL = 1_000


class Purchase:
    """An order of 1000, a wallet of 2000 and a voucher of 500."""

    def __init__(self) -> None:
        self.shop = Storefront(wallet_minor=2_000)
        self.product = self.shop.product(price_minor=500, stock=10)
        self.order_id = self.shop.order(self.product, quantity=2)
        self.voucher = vouchers.issue(amount=Money(500, "GBP"), issued_by=self.shop.user.id)

    def wallet(self, amount_minor: int) -> Instrument:
        return Instrument(PaymentType.WALLET, amount_minor)

    def by_voucher(self, amount_minor: int) -> Instrument:
        return Instrument(PaymentType.VOUCHER, amount_minor, code=self.voucher.code)

    def order(self) -> Order:
        return Order.objects.get(pk=self.order_id)

    def payment(self, payment_type: PaymentType) -> Payment:
        return Payment.objects.filter(order_id=self.order_id, payment_type=payment_type).latest("created_at")

    def checkout(self) -> Checkout:
        return Checkout.objects.filter(order_id=self.order_id).latest("created_at")

    def statuses(self) -> tuple[str, str]:
        order = self.order()
        return order.fulfilment_status, order.payment_status

    def held(self) -> tuple[int, int]:
        """What wallet and voucher hold."""
        self.voucher.refresh_from_db()
        return Wallet.objects.get(user=self.shop.user).held_minor, self.voucher.held_minor

    def balances(self) -> tuple[int, int]:
        self.voucher.refresh_from_db()
        return self.shop.balance_minor(), self.voucher.balance_minor

    def stock(self) -> int:
        self.product.refresh_from_db()
        return self.product.stock


@pytest.fixture
def purchase() -> Purchase:
    return Purchase()


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


def test_a_declined_card_releases_what_the_others_hold(purchase, provider):
    provider.begin(
        purchase.order_id, purchase.shop.user.id, purchase.wallet(500), purchase.by_voucher(300), provider.card(200)
    )

    provider.decline(provider.open_operation(purchase.payment(PaymentType.CARD), OperationKind.AUTHORIZE))

    assert purchase.statuses() == ("draft", "failed")
    assert (purchase.balances(), purchase.held()) == ((2_000, 500), (0, 0))
    assert purchase.stock() == 10
    assert purchase.checkout().state == CheckoutState.FAILED
    assert purchase.order().committed_minor == 0
    assert not PaymentOperation.objects.filter(payment__order_id=purchase.order_id, kind=OperationKind.REFUND).exists()


def test_a_card_that_is_authorized_while_the_other_is_declined_is_voided(purchase, provider):
    first, second = provider.card(400, token="tok_a"), provider.card(600, token="tok_b")
    provider.begin(purchase.order_id, purchase.shop.user.id, first, second)
    one, other = sorted(payments_of(purchase.order_id), key=lambda payment: payment.amount_minor)
    provider.confirm(provider.open_operation(one, OperationKind.AUTHORIZE))

    provider.decline(provider.open_operation(other, OperationKind.AUTHORIZE))

    assert purchase.statuses()[0] == "placed"
    assert purchase.checkout().state == CheckoutState.COMPENSATING
    provider.confirm(provider.open_operation(one, OperationKind.VOID))
    assert purchase.statuses() == ("draft", "failed")
    assert [event for event in events_of(purchase.order_id) if "voided" in event] == ["payment.voided"]


def test_a_void_the_provider_refuses_waits_for_a_person_and_goes_on_after_one(purchase, provider):
    provider.begin(
        purchase.order_id, purchase.shop.user.id, provider.card(400, token="tok_a"), provider.card(600, token="tok_b")
    )
    one, other = sorted(payments_of(purchase.order_id), key=lambda payment: payment.amount_minor)
    provider.confirm(provider.open_operation(one, OperationKind.AUTHORIZE))
    provider.decline(provider.open_operation(other, OperationKind.AUTHORIZE))
    void = provider.open_operation(one, OperationKind.VOID)

    provider.decline(void, code="void_refused")

    void.refresh_from_db()
    assert void.attention == Attention.VOID_DECLINED
    assert purchase.statuses()[0] == "placed"
    with provider.parked():
        payment_actions.void(payment_id=one.id, reason="asked the provider by telephone")
    provider.confirm(provider.open_operation(one, OperationKind.VOID))
    assert purchase.statuses() == ("draft", "failed")


def test_a_capture_the_provider_refuses_waits_for_a_person_and_the_order_stays_confirmed(purchase, provider):
    provider.begin(purchase.order_id, purchase.shop.user.id, provider.card())
    payment = purchase.payment(PaymentType.CARD)
    provider.confirm(provider.open_operation(payment, OperationKind.AUTHORIZE))
    capture = provider.open_operation(payment, OperationKind.CAPTURE)

    provider.decline(capture, code="expired")

    capture.refresh_from_db()
    assert capture.attention == Attention.CAPTURE_DECLINED
    assert purchase.statuses() == ("confirmed", "authorized")
    with provider.parked():
        payment_actions.capture(payment_id=payment.id, amount_minor=None, is_final=True)
    provider.confirm(provider.open_operation(payment, OperationKind.CAPTURE))
    assert purchase.statuses() == ("confirmed", "paid")
    assert purchase.checkout().state == CheckoutState.COMPLETED


def test_manual_capture_takes_parts_and_lets_the_rest_go(purchase, provider):
    provider.begin(purchase.order_id, purchase.shop.user.id, provider.card(), capture_method=CaptureMethod.MANUAL)
    payment = purchase.payment(PaymentType.CARD)
    provider.confirm(provider.open_operation(payment, OperationKind.AUTHORIZE))
    assert purchase.statuses() == ("confirmed", "authorized")

    for amount_minor, is_final in [(300, False), (200, True)]:
        with provider.parked():
            payment_actions.capture(payment_id=payment.id, amount_minor=amount_minor, is_final=is_final)
        provider.confirm(provider.open_operation(payment, OperationKind.CAPTURE))
    provider.confirm(provider.open_operation(payment, OperationKind.VOID))

    payment.refresh_from_db()
    assert (payment.state, payment.authorized_minor, payment.captured_minor) == ("captured", 500, 500)
    assert purchase.statuses() == ("confirmed", "partially_paid")
    assert purchase.order().committed_minor == 500


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
