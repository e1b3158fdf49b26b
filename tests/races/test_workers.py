"""Workers, janitors, webhooks and sweepers in any number: what one has done, no other does again."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import timedelta
from functools import partial
from typing import TypeVar

import pytest
from django.db import connection

from core.catalog.models import Product
from core.clock import now
from core.orders.models import Checkout, Order
from core.orders.services import deadlines, payment_outcomes, provider_work
from core.orders.services.instruments import Instrument
from core.payments.domain.operation_state import OperationKind
from core.payments.domain.payment_state import PaymentType
from core.payments.gateways.protocol import GatewayResult, Outcome
from core.payments.models import PaymentOperation, Wallet
from tests import played_provider
from tests.merchant import Merchant, at_rest, operations_of
from tests.races.rivals import all_at_once
from tests.storefront import events_of, payments_of

T = TypeVar("T")
ORDERS, WORKERS = 10, 4


def in_own_session(act: Callable[[], T]) -> T:
    """A thread's database connection ends with its act."""
    try:
        return act()
    finally:
        connection.close()


@pytest.fixture
def played(settings):
    """Orders are asked of a provider that the test plays."""
    settings.CARD_GATEWAY = played_provider.NAME
    yield played_provider
    played_provider.settle_everything()


def placed(merchant: Merchant, product: Product) -> str:
    """An order that waits for a card, with a part held in the wallet."""
    order_id = merchant.order(product)
    played_provider.begin(order_id, merchant.user.id, Instrument(PaymentType.WALLET, 60), played_provider.card(40))
    return order_id


def test_an_answer_told_by_many_at_once_is_recorded_once(played):
    merchant = Merchant(wallet_minor=60 * ORDERS)
    product = merchant.product(price_minor=100)
    orders = [placed(merchant, product) for _ in range(ORDERS)]
    asked = PaymentOperation.objects.select_related("payment").filter(
        payment__order_id__in=orders, kind=OperationKind.AUTHORIZE
    )
    yes = GatewayResult(Outcome.SUCCEEDED, provider_ref="ref", amount_minor=40)
    no = GatewayResult(Outcome.DECLINED, provider_ref="ref", decline_code="card_declined", amount_minor=40)

    def tell(operation: PaymentOperation, result: GatewayResult) -> bool:
        with played.parked(order_id=operation.payment.order_id):
            return payment_outcomes.record(operation_id=operation.id, result=result)

    acts = [partial(tell, one, result) for one in asked for result in (yes, no) * WORKERS]
    told = all_at_once([partial(in_own_session, act) for act in acts])

    assert Counter(told) == {True: ORDERS, False: ORDERS * (2 * WORKERS - 1)}
    played.settle_everything()
    states = {str(order.id): order.payment_status for order in Order.objects.filter(pk__in=orders)}
    assert set(states.values()) <= {"paid", "failed"}
    paid = sum(status == "paid" for status in states.values())
    found = Wallet.objects.get(user=merchant.user)
    assert (found.balance_minor, found.held_minor) == (60 * (ORDERS - paid), 0)
    product.refresh_from_db()
    assert product.stock == 100 - paid


def test_many_sweepers_turn_a_checkout_back_once(played):
    merchant = Merchant(wallet_minor=60 * ORDERS)
    product = merchant.product(price_minor=100)
    orders = [placed(merchant, product) for _ in range(ORDERS)]
    Checkout.objects.filter(order_id__in=orders).update(deadline_at=now() - timedelta(seconds=1))

    swept = all_at_once([partial(in_own_session, partial(deadlines.sweep, limit=100))] * WORKERS)

    # The stack has a sweeper of its own, and it may have been faster.
    assert sum(swept) <= ORDERS
    assert deadlines.sweep(limit=100) == 0
    assert Counter(tuple(sorted(events_of(order_id))) for order_id in orders) == {
        ("payment.authorized", "payment.canceled", "payment.created", "payment.voided"): ORDERS
    }
    product.refresh_from_db()
    assert product.stock == 100
    assert Wallet.objects.get(user=merchant.user).held_minor == 0


def test_many_workers_and_janitors_charge_once_what_a_provider_answers_too_late():
    merchant = Merchant()
    product = merchant.product(price_minor=100)
    orders = [merchant.order(product) for _ in range(ORDERS)]
    answers = all_at_once([partial(merchant.pay_by_card, order_id, "tok_500_after_charge") for order_id in orders])
    assert {answer.status_code for answer in answers} == {202}

    def work() -> None:
        with ThreadPoolExecutor(WORKERS) as pool:
            for _ in range(10):
                wait(provider_work.start_submissions(pool=pool, limit=5))
                wait(provider_work.start_queries(pool=pool, limit=5))

    all_at_once([partial(in_own_session, work)] * 2)

    for order_id in orders:
        assert merchant.settled(order_id)["payment_status"] == "paid"
        (payment,) = payments_of(order_id)
        assert at_rest(payment).captured_minor == 100
        assert operations_of(payment, "authorize") == operations_of(payment, "capture") == [("succeeded", 100)]
