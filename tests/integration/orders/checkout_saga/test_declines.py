"""What becomes of a purchase of which a provider declines a part, or a merchant takes only a part."""

from core.orders.domain.checkout_state import CaptureMethod, CheckoutState
from core.orders.services import payment_actions
from core.payments.domain.operation_state import Attention, OperationKind
from core.payments.domain.payment_state import PaymentType
from core.payments.models import PaymentOperation
from tests.storefront import events_of, payments_of


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
