"""Holding, taking, letting go and giving back, as a merchant's client sees it."""

import uuid

import pytest

from core.payments.models import Payment, Voucher
from tests.e2e.routes import BODIES, Endpoint, endpoints
from tests.merchant import Merchant, at_rest, card, operations_of, voucher, wallet
from tests.storefront import Storefront, events_of, payments_of

# Endpoints that move or promise money: each of them needs a key.
MOVES_MONEY = {
    "checkout",
    "order-payments",
    "order-cancel",
    "payment-capture",
    "payment-void",
    "payment-refunds",
    "deposits",
    "vouchers",
}


@pytest.fixture
def merchant() -> Merchant:
    return Merchant(wallet_minor=5_000)


@pytest.mark.parametrize("endpoint", [one for one in endpoints() if one.name in MOVES_MONEY and one.method == "POST"])
def test_nothing_moves_money_without_a_key(merchant: Merchant, endpoint: Endpoint):
    payment = merchant.paid("wallet")
    ids = {"order_id": str(payment.order_id), "payment_id": str(payment.id)}

    answer = merchant.client.post(endpoint.path(ids), json=BODIES[str(endpoint)])

    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_required")
    assert at_rest(payment).seq == 1


def test_every_endpoint_that_takes_a_key_is_one_of_these():
    named = {endpoint.name for endpoint in endpoints()}

    assert named >= MOVES_MONEY


@pytest.mark.parametrize(("method", "token"), [("wallet", ""), ("card", "tok_approve"), ("card", "tok_refund_500")])
def test_refunds_give_back_parts_until_nothing_is_left(merchant: Merchant, method, token):
    payment = merchant.paid(method, token)
    before = merchant.balance_minor()

    for amount_minor in (300, 300):
        answer = merchant.act(payment, "refunds", amount_minor=amount_minor, reason="damaged")
        assert answer.status_code == (201 if method == "wallet" else 202), answer.text
        assert answer.json()["amount"] == {"amount_minor": amount_minor, "currency": "GBP"}
    over = merchant.act(payment, "refunds", amount_minor=401)
    rest = merchant.act(payment, "refunds")
    none_left = merchant.act(payment, "refunds")

    assert (over.status_code, over.json()["code"], over.json()["available_minor"]) == (
        409,
        "refund_exceeds_capture",
        400,
    )
    assert rest.json()["amount"]["amount_minor"] == 400
    assert (none_left.status_code, none_left.json()["code"]) == (409, "refund_exceeds_capture")
    assert at_rest(payment).refunded_minor == 1_000
    assert merchant.read(str(payment.order_id))["payment_status"] == "refunded"
    assert merchant.balance_minor() == before + (1_000 if method == "wallet" else 0)


def test_a_refund_that_was_accepted_is_told_as_it_is_when_asked_again(merchant: Merchant):
    payment = merchant.paid("card", "tok_approve")
    first = merchant.act(payment, "refunds", key="refund-1", amount_minor=250)
    at_rest(payment)

    again = merchant.act(payment, "refunds", key="refund-1", amount_minor=250)

    assert (first.status_code, first.json()["state"]) == (202, "requested")
    assert (again.status_code, again.json()["state"]) == (201, "succeeded")
    assert (again.json()["id"], again.headers["Idempotent-Replayed"]) == (first.json()["id"], "true")
    assert again.headers["Location"] == first.headers["Location"]
    other = merchant.act(payment, "refunds", key="refund-1", amount_minor=251)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


def test_a_refund_the_provider_declines_may_be_asked_for_again_and_a_person_is_told(merchant: Merchant):
    payment = merchant.paid("card", "tok_refund_decline")

    merchant.act(payment, "refunds", amount_minor=400)

    assert at_rest(payment).refunded_minor == 0
    assert operations_of(payment, "refund") == [("declined", 400)]
    waiting = merchant.client.get("operations/needing-attention", params={"limit": 100}).json()["data"]
    (mine,) = [one for one in waiting if one["payment_id"] == str(payment.id)]
    assert mine["attention"] == "refund_declined"
    assert merchant.client.post(f"operations/{mine['id']}/resolve", json={"resolution": "paid in cash"}).is_success
    assert merchant.act(payment, "refunds", amount_minor=1_000).status_code == 202
    assert at_rest(payment).refunded_minor == 0


def test_a_held_card_is_captured_in_parts_and_the_rest_let_go(merchant: Merchant):
    payment = merchant.held(price_minor=1_000)

    first = merchant.act(payment, "capture", amount_minor=300)
    at_rest(payment)
    over = merchant.act(payment, "capture", amount_minor=701)
    last = merchant.act(payment, "capture", amount_minor=200, is_final=True)

    assert (first.status_code, last.status_code) == (202, 202)
    assert (over.status_code, over.json()["code"], over.json()["available_minor"]) == (
        409,
        "capture_exceeds_authorization",
        700,
    )
    assert (at_rest(payment).state, payment.authorized_minor, payment.captured_minor) == ("captured", 500, 500)
    assert operations_of(payment, "void") == [("succeeded", 500)]
    assert merchant.read(str(payment.order_id))["payment_status"] == "partially_paid"
    assert merchant.act(payment, "capture").json()["code"] == "nothing_held"


def test_a_held_card_is_let_go(merchant: Merchant):
    payment = merchant.held()

    answer = merchant.act(payment, "void", reason="out of season")

    assert (answer.status_code, answer.json()["reason"]) == (202, "out of season")
    assert (at_rest(payment).state, payment.authorized_minor) == ("canceled", 0)
    assert merchant.act(payment, "void").json()["code"] == "nothing_held"
    assert merchant.act(payment, "refunds").json()["code"] == "nothing_to_refund"
    assert merchant.cancel(str(payment.order_id)).json()["fulfilment_status"] == "cancelled"


def test_an_order_is_paid_by_wallet_voucher_and_card_and_cancelled_back_to_each(merchant: Merchant):
    product = merchant.product(price_minor=1_000, stock=3)
    order_id = merchant.order(product)
    code = merchant.voucher(400)

    answer = merchant.pay(order_id, wallet(500), voucher(300, code), card(200))

    assert answer.status_code == 202
    assert merchant.settled(order_id)["payment_status"] == "paid"
    assert {payment.payment_type: payment.captured_minor for payment in payments_of(order_id)} == {
        "wallet": 500,
        "voucher": 300,
        "card": 200,
    }
    assert merchant.client.get(f"vouchers/{code.lower()}").json()["available"]["amount_minor"] == 100
    cancelled = merchant.cancel(order_id, key="cancel-1")
    assert (cancelled.status_code, cancelled.json()["fulfilment_status"]) == (200, "cancelled")
    for payment in payments_of(order_id):
        assert at_rest(payment).refunded_minor == payment.captured_minor
    assert merchant.read(order_id)["payment_status"] == "refunded"
    assert (merchant.balance_minor(), Voucher.objects.get(code=code).balance_minor) == (5_000, 400)
    product.refresh_from_db()
    assert product.stock == 3
    assert merchant.cancel(order_id).json()["code"] == "order_not_cancellable"
    assert merchant.cancel(order_id, key="cancel-1").headers["Idempotent-Replayed"] == "true"


def test_a_declined_card_leaves_nothing_held_and_the_order_can_be_paid_otherwise(merchant: Merchant):
    order_id = merchant.order(merchant.product(price_minor=1_000))
    code = merchant.voucher(400)
    merchant.pay(order_id, wallet(500), voucher(300, code), card(200, "tok_decline"))

    declined = merchant.settled(order_id)

    assert (declined["fulfilment_status"], declined["payment_status"]) == ("draft", "failed")
    assert merchant.client.get(f"vouchers/{code}").json()["available"]["amount_minor"] == 400
    assert merchant.checkout(order_id).json()["payment_status"] == "paid"
    assert merchant.balance_minor() == 4_000


@pytest.mark.parametrize(
    ("parts", "status", "code"),
    [
        ([wallet(999)], 400, "instruments_mismatch"),
        ([wallet(400), {**wallet(600), "token": "tok_other"}], 400, "instruments_mismatch"),
        ([voucher(1_000, "NOSUCHVOUCHER")], 402, "voucher_unusable"),
        ([card(1_000, "4242")], 400, "invalid"),
        ([{"method": "voucher", "amount_minor": 1_000}], 400, "invalid"),
        ([{"method": "cheque", "amount_minor": 1_000}], 400, "invalid"),
        ([wallet(2**63)], 400, "invalid"),
        ([], 400, "invalid"),
    ],
)
def test_what_cannot_be_paid_is_refused_and_changes_nothing(merchant: Merchant, parts, status, code):
    order_id = merchant.order(merchant.product(price_minor=1_000))

    answer = merchant.pay(order_id, *parts)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert (merchant.read(order_id)["fulfilment_status"], payments_of(order_id)) == ("draft", [])
    assert merchant.balance_minor() == 5_000


@pytest.mark.parametrize("what", ["capture", "void", "refunds"])
@pytest.mark.parametrize("body", [{"amount_minor": 0}, {"amount_minor": -1}, {"amount_minor": 2**63}, {"reason": []}])
def test_amounts_that_are_none_are_refused(merchant: Merchant, what, body):
    payment = merchant.paid("wallet")

    answer = merchant.act(payment, what, **body)

    assert answer.status_code in (400, 409), answer.text
    assert at_rest(payment).seq == 1


def test_a_payment_of_another_kind_can_be_neither_captured_nor_refunded(merchant: Merchant):
    deposit = Payment.objects.get(user=merchant.user, payment_type="deposit")

    answers = [merchant.act(deposit, what) for what in ("capture", "void", "refunds")]

    assert [answer.status_code for answer in answers] == [404, 404, 404]


def test_only_what_is_paid_and_recorded_is_shipped(merchant: Merchant):
    held = merchant.held()
    paid = merchant.paid("card", "tok_approve")
    merchant.recorded(str(paid.order_id))

    too_early = merchant.ship(str(held.order_id))
    shipped = merchant.ship(str(paid.order_id))

    assert (too_early.status_code, too_early.json()["code"]) == (409, "order_not_shippable")
    assert (shipped.status_code, shipped.json()["fulfilment_status"]) == (200, "shipped")
    assert merchant.cancel(str(paid.order_id)).json()["code"] == "order_not_cancellable"
    assert merchant.act(paid, "refunds", amount_minor=1).status_code == 202
    at_rest(paid)
    assert "refund.succeeded" in events_of(str(paid.order_id))


def test_what_another_owns_looks_like_what_is_missing(merchant: Merchant):
    payment = merchant.paid("wallet")
    stranger = Storefront()
    headers = {"Idempotency-Key": uuid.uuid4().hex}

    answers = [
        stranger.client.get(f"payments/{payment.id}"),
        stranger.client.get(f"payments/{payment.id}/operations"),
        stranger.client.post(f"orders/{payment.order_id}/cancel", headers=headers),
    ]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(404, "not_found")] * 3


def deposit(merchant: Merchant, **changes: object):
    body = {"user_id": str(merchant.user.id), "amount_minor": 700, "currency": "GBP", **changes}
    return merchant.post("wallets/deposits", body)


def test_what_a_provider_received_once_is_credited_once(merchant: Merchant):
    reference, before = f"dep_{uuid.uuid4().hex}", merchant.balance_minor()

    first = deposit(merchant, provider_ref=reference)
    again = deposit(merchant, provider_ref=reference)
    other = deposit(merchant, provider_ref=f"{reference}-2")

    assert (first.status_code, other.status_code) == (201, 201)
    assert (again.status_code, again.json()["code"]) == (409, "deposit_booked_already")
    assert again.json()["payment_id"] == first.json()["id"]
    assert merchant.balance_minor() == before + 1_400
    assert Payment.objects.get(pk=first.json()["id"]).provider_ref == reference


def test_deposits_without_a_reference_are_each_their_own(merchant: Merchant):
    before = merchant.balance_minor()

    assert [deposit(merchant).status_code for _ in range(2)] == [201, 201]
    assert deposit(merchant, provider_ref=7).status_code == 400
    assert merchant.balance_minor() == before + 1_400
