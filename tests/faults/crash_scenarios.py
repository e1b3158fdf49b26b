"""Purchases and messages in which a process is killed at a failpoint, and what each must come to in the end."""

import json
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from rest_framework_simplejwt.tokens import AccessToken

from core.clock import now
from core.db.transactions import atomically
from core.orders.services import checkout, payment_actions
from core.payments.domain.operation_state import OperationKind
from core.payments.gateways import registry
from core.payments.services import operations
from core.webhooks.domain.signatures import HEADER, sign
from core.webhooks.models import ProviderEvent, WebhookDelivery
from core.webhooks.services import deliveries, endpoints
from core.webhooks.services.outgoing import PublishedEvent, enqueue
from tests import crash_run, played_provider
from tests.crash_run import GATEWAY
from tests.faults.crash_world import World
from tests.provider_events import SECRET, operation_event
from tests.receiver import Receiver, receiving
from tests.storefront import Storefront, events_of, payments_of
from tests.waiting import eventually

PRICE = 1_000
DEPOSIT = 5_000


def checkout_request(shop: Storefront, order_id: str, body: dict[str, str]) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {AccessToken.for_user(shop.user)}", "Idempotency-Key": uuid.uuid4().hex}
    return {"path": f"orders/{order_id}/checkout", "body": json.dumps(body), "headers": headers}


def sent_again(request: dict[str, Any]) -> Any:
    """The client's retry under the same key. The dead process's session may hold the key for a moment."""

    def probe() -> Any:
        answer = crash_run.post(**request)
        return answer if answer.status_code != 409 else None

    return eventually(probe, what="the key is free")


def buy_by_wallet(world: World, point: str) -> None:
    shop = Storefront(wallet_minor=DEPOSIT)
    product = shop.product(price_minor=PRICE, stock=10)
    order_id = shop.order(product)
    request = checkout_request(shop, order_id, {"method": "wallet"})

    world.crash(point, "post", **request)
    answers = [sent_again(request) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].content == answers[1].content
    product.refresh_from_db()
    assert (shop.balance_minor(), product.stock) == (DEPOSIT - PRICE, 9)
    assert events_of(order_id) == ["payment.captured"]
    assert shop.read(order_id)["payment_status"] == "paid"


def buy_by_card(world: World, point: str) -> None:
    shop = Storefront()
    product = shop.product(price_minor=PRICE, stock=10)
    order_id = shop.order(product)
    request = checkout_request(shop, order_id, {"method": "card", "token": "tok_approve"})

    world.crash(point, "post", **request)
    assert sent_again(request).status_code == 202
    world.recover(order_id)

    product.refresh_from_db()
    assert product.stock == 9
    assert world.moved(order_id) == {"authorize": [PRICE], "capture": [PRICE]}


def begun(token: str = "tok_approve") -> tuple[Storefront, str]:
    shop = Storefront()
    order_id = shop.order(shop.product(price_minor=PRICE))
    checkout.begin(order_id=uuid.UUID(order_id), user_id=shop.user.id, instruments=[played_provider.card(token=token)])
    return shop, order_id


def run_operations(world: World, point: str, token: str = "tok_approve") -> None:
    _, order_id = begun(token)

    world.crash(point, "work")
    world.recover(order_id)

    assert world.moved(order_id) == {"authorize": [PRICE], "capture": [PRICE]}
    told = [event for event in events_of(order_id) if event != "attempt.unknown"]
    assert told == ["payment.created", "payment.authorized", "payment.captured"]


def run_refund(world: World, point: str) -> None:
    _, order_id = begun()
    world.recover(order_id)
    (payment,) = payments_of(order_id)
    payment_actions.refund(payment_id=payment.id, amount_minor=400, reason="one piece was broken")

    world.crash(point, "work")
    world.recover(order_id, payment_status="partially_refunded")

    assert world.moved(order_id) == {"authorize": [PRICE], "capture": [PRICE], "refund": [400]}
    assert events_of(order_id).count("refund.succeeded") == 1


def be_told(world: World, point: str) -> None:
    _, order_id = begun()
    (payment,) = payments_of(order_id)
    operation = played_provider.open_operation(payment, OperationKind.AUTHORIZE)
    # The provider decided, and its answer was lost.
    result = registry.get(GATEWAY).submit(operations.gateway_request(operation))
    told = operation_event(operation, provider_ref=result.provider_ref)
    request = signed(told)

    world.crash(point, "post", **request)
    assert [sent_again(request).status_code for _ in range(2)] == [200, 200]

    assert ProviderEvent.objects.filter(event_id=told["id"]).count() == 1
    assert events_of(order_id) == ["payment.created", "payment.authorized"]
    world.recover(order_id)
    assert world.moved(order_id) == {"authorize": [PRICE], "capture": [PRICE]}


def signed(told: dict[str, Any]) -> dict[str, Any]:
    body = json.dumps(told)
    header = sign(body.encode(), secrets=[SECRET], timestamp=int(now().timestamp()))
    return {"path": f"webhooks/{GATEWAY}", "body": body, "headers": {HEADER: header}}


def tell_a_merchant(world: World, point: str) -> None:
    moment = now().isoformat(timespec="microseconds")
    body = {
        "order_id": "o", "seq": 1, "user_id": "u", "currency": "GBP", "total_minor": 5, "occurred_at": moment,
        "fulfilment_status": "confirmed", "payment_status": "paid",
    }  # fmt: skip
    event = PublishedEvent(event_id=uuid.uuid4(), type="orders.order.paid.v1", body=json.dumps(body).encode())
    with receiving(Receiver()) as receiver:
        endpoint = endpoints.create(url=receiver.url, event_types=[event.type])
        atomically(lambda: enqueue([event]))
        mine = WebhookDelivery.objects.filter(endpoint=endpoint, event_id=event.event_id)

        world.crash(point, "deliver")
        mine.update(lease_until=now() - timedelta(seconds=1))
        # The dead process's session holds the lock of the senders until the database has noticed.
        eventually(lambda: deliveries.send_due(seconds_max=5) and mine.get().state == "succeeded", what="it is told")
        endpoints.delete(endpoint_id=endpoint.id)

    assert {json.loads(request.body)["id"] for request in receiver.requests} == {str(event.event_id)}
    assert len(receiver.requests) == (1 if point == "delivery.claimed" else 2)


SCENARIOS: dict[str, Callable[[World, str], None]] = {
    "wallet_checkout": buy_by_wallet,
    "saga_checkout": buy_by_card,
    "request": buy_by_card,
    "operation": run_operations,
    "webhook": be_told,
    "delivery": tell_a_merchant,
}
