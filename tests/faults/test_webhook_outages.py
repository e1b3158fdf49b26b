"""Webhooks of the real provider process while parts of the stack are away: they neither double nor are they missed."""

import json
from uuid import UUID

from core.orders.models import Order
from core.orders.services import checkout
from core.webhooks.models import ProviderEvent
from deploy.local.control import Stack
from tests import played_provider
from tests.storefront import Storefront, events_of, payments_of
from tests.waiting import eventually

PAID = ["payment.created", "payment.authorized", "payment.captured"]


def told(order_id: str) -> dict[str, str]:
    """What became of the events about the order's operations: kind of operation → outcome."""
    payment_ids = {str(payment.id) for payment in payments_of(order_id)}
    found = {}
    for event in ProviderEvent.objects.filter(provider="simulator", type="operation.succeeded"):
        data = json.loads(bytes(event.body))["data"]
        if data["payment_id"] in payment_ids:
            assert data["kind"] not in found, "the same event was kept twice"
            found[data["kind"]] = event.outcome
    return found


def is_paid(order_id: str) -> bool:
    return Order.objects.get(pk=order_id).payment_status == "paid"


def test_what_the_janitor_settled_while_no_webhook_could_arrive_is_not_changed_by_them_later(stack: Stack):
    shop = Storefront()
    order_id = shop.order(shop.product(price_minor=900))
    stack.stop("web")
    card = played_provider.card(token="tok_timeout_after_charge")
    checkout.begin(order_id=UUID(order_id), user_id=shop.user.id, instruments=[card])
    eventually(lambda: is_paid(order_id), what="the janitor settles it")
    before = events_of(order_id)

    stack.start("web")
    eventually(lambda: len(told(order_id)) == 2, seconds_max=60, what="the provider sends again until it is answered")

    assert told(order_id) == {"authorize": "unchanged", "capture": "unchanged"}
    assert events_of(order_id) == before == ["payment.created", "attempt.unknown", *PAID[1:]]


def test_a_webhook_settles_what_is_never_answered_while_no_janitor_runs(stack: Stack):
    stack.stop("tasks")
    shop = Storefront()
    order_id = shop.order(shop.product(price_minor=900))

    shop.pay_by_card(order_id, "tok_webhook_only")
    eventually(lambda: is_paid(order_id), what="the webhooks settle it")
    stack.start("tasks")

    assert told(order_id)["authorize"] == "applied"
    assert events_of(order_id) == PAID


def test_the_web_killed_while_webhooks_arrive_loses_and_doubles_none(stack: Stack):
    shop = Storefront()
    product = shop.product(price_minor=900, stock=100)
    orders = [shop.order(product) for _ in range(8)]
    for order_id in orders:
        assert shop.pay_by_card(order_id, "tok_webhook_duplicate").status_code == 202

    stack.kill("web")

    eventually(lambda: all(map(is_paid, orders)), seconds_max=60, what="all are paid")
    eventually(lambda: all(len(told(order_id)) == 2 for order_id in orders), seconds_max=60, what="all events are kept")
    for order_id in orders:
        assert [event for event in events_of(order_id) if event != "attempt.unknown"] == PAID
