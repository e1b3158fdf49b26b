"""Rivals for an order, a wallet, a voucher or the last piece: one wins, the books agree, and nobody sees a 5xx."""

import random
from collections import Counter
from functools import partial
from uuid import uuid4

import httpx
import pytest

from core.orders.models import Order
from core.payments.models import Payment, Voucher, Wallet
from tests.merchant import Merchant, at_rest, card, operations_of, voucher, wallet
from tests.races.rivals import all_at_once, until_answered
from tests.storefront import Storefront, payments_of

FEW, MANY = 20, pytest.param(100, marks=[pytest.mark.full, pytest.mark.timeout(1_200)])


def test_of_a_hundred_buyers_ten_get_the_last_ten_pieces():
    product = Merchant().product(price_minor=100, stock=10)
    buyers = [Merchant(wallet_minor=1_000) for _ in range(100)]
    orders = [(buyer, buyer.order(product)) for buyer in buyers]

    # Every second one through the saga, which holds before it takes; the others in two statements.
    answers = all_at_once(
        [
            partial(buyer.pay, order_id, wallet(100)) if number % 2 else partial(buyer.checkout, order_id)
            for number, (buyer, order_id) in enumerate(orders)
        ]
    )

    assert Counter(answer.status_code for answer in answers) == {200: 10, 409: 90}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"out_of_stock"}
    product.refresh_from_db()
    assert product.stock == 0
    assert sum(buyer.balance_minor() for buyer in buyers) == 100 * 1_000 - 10 * 100
    assert Wallet.objects.filter(user__in=[buyer.user for buyer in buyers]).exclude(held_minor=0).count() == 0


@pytest.mark.parametrize("pairs", [FEW, MANY])
def test_an_order_that_is_captured_and_cancelled_at_once_ends_as_one_of_both(pairs):
    merchant = Merchant()
    payments = [merchant.held(price_minor=500) for _ in range(pairs)]

    acts = [
        act
        for payment in payments
        for act in random.sample(
            [
                partial(until_answered, partial(merchant.act, payment, "capture", key=f"capture-{payment.id}")),
                partial(until_answered, partial(merchant.cancel, str(payment.order_id), key=f"cancel-{payment.id}")),
            ],
            2,
        )
    ]
    answers = all_at_once(acts)

    assert {answer.status_code for answer in answers} <= {200, 201, 202, 409}
    for payment in payments:
        at_rest(payment)
        is_taken = payment.captured_minor == 500
        assert operations_of(payment, "capture") == [("succeeded", 500)] * is_taken
        assert operations_of(payment, "void") == [("succeeded", 500)] * (not is_taken)
        assert (payment.state, payment.refunded_minor) == (("captured", 500) if is_taken else ("canceled", 0))
        order = Order.objects.get(pk=payment.order_id)
        assert (order.fulfilment_status, order.payment_status) == (
            "cancelled",
            "refunded" if is_taken else "unpaid",
        )


@pytest.mark.parametrize("count", [60, pytest.param(1_000, marks=[pytest.mark.full, pytest.mark.timeout(3_600)])])
def test_a_checkout_sent_many_times_charges_once_and_every_answer_is_the_same(count):
    merchant = Merchant(wallet_minor=10 * count)
    product = merchant.product(price_minor=10, stock=count)
    orders = [merchant.order(product) for _ in range(count)]

    for order_id in orders:
        # Mostly two or three at once, now and then up to fifty.
        times = min(50, 2 + int(random.expovariate(1 / 3)))
        methods = [partial(merchant.checkout, order_id), partial(merchant.pay, order_id, wallet(10))]
        send = partial(random.choice(methods), key=f"key-{order_id}")
        answers = [*all_at_once([send] * times), until_answered(send)]

        assert {answer.status_code for answer in answers} <= {200, 409}
        assert len({answer.content for answer in answers if answer.status_code == 200}) == 1
        refused = [answer.json()["code"] for answer in answers if answer.status_code == 409]
        assert set(refused) <= {"idempotency_key_in_flight"}

    paid = Payment.objects.filter(order_id__in=orders)
    assert sorted(str(payment.order_id) for payment in paid) == sorted(orders)
    assert set(paid.values_list("state", "captured_minor")) == {("captured", 10)}
    product.refresh_from_db()
    assert (merchant.balance_minor(), product.stock) == (0, 0)


def test_an_order_paid_in_different_ways_at_once_is_paid_once():
    merchant = Merchant(wallet_minor=1_000)
    for _ in range(5):
        order_id = merchant.order(merchant.product(price_minor=100))
        code = merchant.voucher(100)
        ways = [
            partial(merchant.checkout, order_id),
            partial(merchant.pay, order_id, wallet(100)),
            partial(merchant.pay, order_id, voucher(100, code)),
            partial(merchant.pay, order_id, wallet(40), voucher(60, code)),
        ]

        answers = all_at_once(random.sample(ways * 2, 8))

        assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 7}
        assert sum(payment.captured_minor for payment in payments_of(order_id)) == 100
        assert Voucher.objects.get(code=code).held_minor == 0


def test_a_voucher_is_spent_once_by_many_orders_at_once():
    merchants = [Merchant() for _ in range(20)]
    product = merchants[0].product(price_minor=100)
    code = merchants[0].voucher(250)
    orders = [(merchant, merchant.order(product)) for merchant in merchants]

    answers = all_at_once([partial(merchant.pay, order_id, voucher(100, code)) for merchant, order_id in orders])

    assert Counter(answer.status_code for answer in answers) == {200: 2, 402: 18}
    found = Voucher.objects.get(code=code)
    assert (found.balance_minor, found.held_minor) == (50, 0)


def test_two_orders_that_share_two_vouchers_wait_for_each_other_and_never_for_ever():
    merchant = Merchant()
    product = merchant.product(price_minor=2)
    codes = sorted(merchant.voucher(100) for _ in range(2))

    def pay_and_cancel(number: int) -> list[httpx.Response]:
        order_id = merchant.order(product)
        parts = [voucher(1, codes[number % 2].lower()), voucher(1, codes[1 - number % 2])]
        return [merchant.pay(order_id, *parts), merchant.cancel(order_id)]

    answers = all_at_once([partial(pay_and_cancel, number) for number in range(24)])

    assert Counter(answer.status_code for pair in answers for answer in pair) == {200: 48}
    assert set(Voucher.objects.filter(code__in=codes).values_list("balance_minor", "held_minor")) == {(100, 0)}


def test_a_wallet_is_not_overspent_by_what_holds_and_what_pays_at_once():
    merchant = Merchant(wallet_minor=1_000)
    product = merchant.product(price_minor=100)
    orders = [merchant.order(product) for _ in range(30)]

    answers = all_at_once(
        [
            partial(merchant.checkout, order_id)
            if number % 3
            else partial(merchant.pay, order_id, wallet(60), card(40, "tok_decline" if number % 2 else "tok_approve"))
            for number, order_id in enumerate(orders)
        ]
    )

    assert {answer.status_code for answer in answers} <= {200, 202, 402}
    for order_id in orders:
        for payment in payments_of(order_id):
            at_rest(payment)
    found = Wallet.objects.get(user=merchant.user)
    taken = sum(
        payment.captured_minor
        for order_id in orders
        for payment in payments_of(order_id)
        if payment.payment_type == "wallet"
    )
    assert (found.balance_minor, found.held_minor) == (1_000 - taken, 0)
    assert 0 <= found.balance_minor <= 1_000


def test_a_buyer_who_sends_everything_twice_sees_no_server_error():
    """Deposits, drafts, both checkouts and cancels of one user at once: all take the same wallet."""
    shop = Storefront(wallet_minor=5_000)
    merchant = Merchant(wallet_minor=5_000)
    product = shop.product(price_minor=10)

    def round_trip(number: int) -> list[int]:
        order_id = merchant.order(product)
        answers = [merchant.checkout(order_id) if number % 2 else merchant.pay(order_id, wallet(10))]
        answers.append(merchant.cancel(order_id))
        answers.append(
            merchant.post("wallets/deposits", {"user_id": str(merchant.user.id), "amount_minor": 1, "currency": "GBP"})
        )
        return [answer.status_code for answer in answers]

    told = all_at_once([partial(round_trip, number) for number in range(24)])

    assert Counter(map(tuple, told)) == {(200, 200, 201): 24}
    assert merchant.balance_minor() == 5_000 + 24


def test_money_that_a_provider_received_once_is_credited_once_by_many_at_once():
    merchant = Merchant(wallet_minor=100)
    body = {
        "user_id": str(merchant.user.id),
        "amount_minor": 7,
        "currency": "GBP",
        "provider_ref": f"dep_{uuid4().hex}",
    }

    answers = all_at_once([partial(merchant.post, "wallets/deposits", body) for _ in range(30)])

    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 29}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"deposit_booked_already"}
    assert merchant.balance_minor() == 107
