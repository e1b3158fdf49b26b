"""What a merchant may do with an order's payments, and what disputes do to them."""

import uuid
from dataclasses import replace

import pytest

from core.clock import now
from core.money import Money
from core.orders.domain.checkout_state import CaptureMethod
from core.orders.errors import NotCapturable
from core.orders.models import Order
from core.orders.services import cancellations, disputes, payment_actions
from core.orders.services.disputes import DisputeNotice
from core.orders.services.instruments import Instrument, arranged
from core.payments.domain.dispute_state import DisputeState
from core.payments.domain.operation_state import OperationKind
from core.payments.domain.payment_state import PaymentType
from core.payments.errors import OperationInProgress
from core.payments.models import Dispute, Payment
from core.payments.services import vouchers
from tests.storefront import Storefront, payments_of


class Sale:
    """An order of 1000 by this shop."""

    def __init__(self) -> None:
        self.shop = Storefront(wallet_minor=2_000)
        self.order_id = self.shop.order(self.shop.product(price_minor=500, stock=10), quantity=2)

    def order(self) -> Order:
        return Order.objects.get(pk=self.order_id)

    def payment(self, payment_type: PaymentType) -> Payment:
        return Payment.objects.get(order_id=self.order_id, payment_type=payment_type)


@pytest.fixture
def sale() -> Sale:
    return Sale()


@pytest.fixture
def captured(sale, provider) -> Sale:
    """Paid by card."""
    provider.begin(sale.order_id, sale.shop.user.id, provider.card())
    provider.settle_everything()
    return sale


def notice(payment: Payment, *, amount_minor: int = 400, state: DisputeState = DisputeState.OPEN) -> DisputeNotice:
    return DisputeNotice(
        provider=payment.provider,
        provider_dispute_id=f"dp_{uuid.uuid4().hex}",
        payment_id=payment.id,
        amount_minor=amount_minor,
        currency=payment.currency,
        reason="fraudulent",
        state=state,
        occurred_at=now(),
    )


def capture_all(payment: Payment) -> None:
    payment_actions.capture(payment_id=payment.id, amount_minor=None, is_final=True)


def void(payment: Payment) -> None:
    payment_actions.void(payment_id=payment.id, reason="")


@pytest.mark.parametrize(("act", "error"), [(capture_all, NotCapturable), (void, OperationInProgress)])
def test_nothing_is_taken_or_let_go_while_a_checkout_counts_on_it(sale, provider, act, error):
    provider.begin(
        sale.order_id, sale.shop.user.id, Instrument(PaymentType.WALLET, 600), provider.card(400, token="tok_a")
    )

    with pytest.raises(error):
        act(sale.payment(PaymentType.WALLET))

    provider.decline(provider.open_operation(sale.payment(PaymentType.CARD), OperationKind.AUTHORIZE))
    assert sale.order().fulfilment_status == "draft"
    assert {payment.state for payment in payments_of(sale.order_id)} == {"canceled", "failed"}


def test_nothing_is_captured_of_a_cancelled_order_whose_void_was_refused(sale, provider):
    provider.begin(sale.order_id, sale.shop.user.id, provider.card(), capture_method=CaptureMethod.MANUAL)
    provider.settle_everything()
    with provider.parked():
        cancellations.cancel(order_id=sale.order().id)
    payment = sale.payment(PaymentType.CARD)
    provider.decline(provider.open_operation(payment, OperationKind.VOID), code="void_refused")

    with pytest.raises(NotCapturable):
        payment_actions.capture(payment_id=payment.id, amount_minor=None, is_final=True)

    with provider.parked():
        payment_actions.void(payment_id=payment.id, reason="again")
    provider.settle_everything()
    assert sale.payment(PaymentType.CARD).authorized_minor == 0


def test_a_dispute_told_of_for_another_payment_changes_neither(captured, provider):
    other = Sale()
    provider.begin(other.order_id, other.shop.user.id, provider.card())
    provider.settle_everything()
    opened = notice(captured.payment(PaymentType.CARD))
    disputes.record(opened)

    ended = replace(opened, payment_id=other.payment(PaymentType.CARD).id, state=DisputeState.WON)

    assert disputes.record(ended) is False
    assert captured.payment(PaymentType.CARD).disputed_minor == 400
    assert other.payment(PaymentType.CARD).disputed_minor == 0
    assert Dispute.objects.get(provider_dispute_id=opened.provider_dispute_id).state == "open"


@pytest.mark.parametrize("amount_minor", [-5, 0, 1_001])
def test_a_dispute_over_no_money_of_ours_is_not_booked(captured, amount_minor):
    payment = captured.payment(PaymentType.CARD)

    recorded = disputes.record(notice(payment, amount_minor=amount_minor))

    assert recorded is False
    assert captured.payment(PaymentType.CARD).seq == payment.seq


def test_what_a_cancelled_order_wins_in_a_dispute_is_refunded(captured, provider):
    opened = notice(captured.payment(PaymentType.CARD))
    disputes.record(opened)
    with provider.parked():
        cancellations.cancel(order_id=captured.order().id)
    provider.settle_everything()
    assert captured.payment(PaymentType.CARD).refunded_minor == 600

    with provider.parked():
        told = [disputes.record(replace(opened, state=DisputeState.WON)) for _ in range(2)]
    provider.settle_everything()

    assert told == [True, False]
    payment = captured.payment(PaymentType.CARD)
    assert (payment.disputed_minor, payment.refunded_minor) == (0, 1_000)
    assert captured.order().payment_status == "refunded"


def test_a_source_has_one_name_and_vouchers_are_locked_in_one_order(sale):
    first, second = sorted(
        (vouchers.issue(amount=Money(500, "GBP"), issued_by=sale.shop.user.id) for _ in range(2)),
        key=lambda voucher: voucher.code,
    )

    given = [
        Instrument(PaymentType.WALLET, 200, token="tok_ignored"),
        Instrument(PaymentType.VOUCHER, 400, code=f" {second.code.lower()} "),
        Instrument(PaymentType.VOUCHER, 400, code=first.code),
    ]

    assert arranged(given, total_minor=1_000) == [
        Instrument(PaymentType.VOUCHER, 400, code=first.code),
        Instrument(PaymentType.VOUCHER, 400, code=second.code),
        Instrument(PaymentType.WALLET, 200),
    ]


def test_a_refusal_that_asks_for_a_retry_is_not_the_answer_to_it(sale, provider):
    provider.begin(sale.order_id, sale.shop.user.id, provider.card())
    operation = provider.open_operation(sale.payment(PaymentType.CARD), OperationKind.AUTHORIZE)
    provider.submitted(operation)
    headers = {"Idempotency-Key": uuid.uuid4().hex}
    refused = sale.shop.client.post(f"orders/{sale.order_id}/cancel", headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "operation_in_progress")
    provider.decline(operation)

    again = sale.shop.client.post(f"orders/{sale.order_id}/cancel", headers=headers)

    assert (again.status_code, again.json()["fulfilment_status"]) == (200, "cancelled")
