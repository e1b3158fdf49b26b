"""Killed at every place between two side effects: whoever goes on afterwards, each purchase happens once or not at all.

The gateway and tasks programs of the stack are stopped meanwhile, so that the process that dies is the one that has the
work. A second run, without a failpoint, goes on from what is in PostgreSQL and at the provider.
"""

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError
from rest_framework_simplejwt.tokens import AccessToken

from core.clock import now
from core.db.transactions import atomically
from core.failpoints import KILLED_EXIT_CODE, POINTS
from core.ids import new_id
from core.orders.models import Order
from core.orders.selectors import books
from core.orders.services import checkout, payment_actions, payment_outcomes
from core.payments.domain.operation_state import OperationKind, OperationState
from core.payments.gateways import registry
from core.payments.gateways.protocol import Gateway, GatewayRequest, GatewayResult, Outcome
from core.payments.services import operations
from core.webhooks.domain.signatures import HEADER, sign
from core.webhooks.models import ProviderEvent, WebhookDelivery
from core.webhooks.services import deliveries, endpoints
from core.webhooks.services.outgoing import PublishedEvent, enqueue
from deploy.local.control import Stack
from tests import crash_run, played_provider
from tests.crash_run import GATEWAY
from tests.fakes.provider_process import ProviderProcess
from tests.provider_events import SECRET, operation_event
from tests.receiver import Receiver, receiving
from tests.storefront import Storefront, events_of, payments_of
from tests.waiting import eventually

ROOT = Path(__file__).resolve().parents[2]
PRICE = 1_000
DEPOSIT = 5_000


@dataclass
class World:
    """A provider process of its own, and no worker but those the test runs."""

    provider: ProviderProcess

    def crash(self, point: str, action: str, **arguments: Any) -> None:
        """Run the work in a process that must die at the failpoint."""
        environment = {
            **os.environ,
            "FAILPOINT": point,
            "ALLOW_FAILPOINTS": "true",
            "CRASH_PROVIDER_URL": self.provider.url,
        }
        command = [sys.executable, "-m", "tests.crash_run", action, json.dumps(arguments)]
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=90, check=False
        )
        assert done.returncode == KILLED_EXIT_CODE, f"{point} was not reached: {done.stdout}{done.stderr}"

    def recover(self, order_id: str, *, payment_status: str = "paid") -> None:
        """Work as the gateway and the janitor do, in this process, until the order is there."""

        def probe() -> bool:
            crash_run.work()
            return payment_status == self._status(order_id)

        eventually(probe, what=f"order {order_id} is {payment_status}")

    def moved(self, order_id: str) -> dict[str, list[int]]:
        """Everything the provider moved for the order's only payment, by kind."""
        (payment,) = payments_of(order_id)
        found = {str(kind): self.provider.moved_minor(payment.id, kind) for kind in OperationKind}
        return {kind: amounts for kind, amounts in found.items() if amounts}

    def assert_books_agree(self) -> None:
        assert books.breaks(self.provider.records(), gateway=GATEWAY) == []

    def _status(self, order_id: str) -> str:
        return Order.objects.get(pk=order_id).payment_status


@pytest.fixture(scope="module")
def provider(tmp_path_factory) -> Iterator[ProviderProcess]:
    running = Stack.from_env()
    for program in ("gateway", "tasks"):
        running.stop(program)
    process = ProviderProcess(log=tmp_path_factory.mktemp("provider") / "log.jsonl").start()
    yield process
    process.stop()
    running.start_all()


@pytest.fixture
def world(provider, settings) -> Iterator[World]:
    crash_run.play(settings, provider.url)
    yield World(provider)
    registry.get.cache_clear()


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


@pytest.mark.parametrize("point", POINTS)
def test_whoever_is_killed_there_the_books_agree_afterwards(world, point):
    SCENARIOS[point.split(".")[0]](world, point)

    world.assert_books_agree()


OPERATION_POINTS = [point for point in POINTS if point.startswith("operation.")]


@pytest.mark.full
@pytest.mark.parametrize("point", OPERATION_POINTS)
@pytest.mark.parametrize(
    ("passed", "token"),
    [(2, "tok_approve"), (2, "tok_timeout_after_charge"), (1, "tok_500_after_charge"), (2, "tok_capture_timeout")],
)
def test_the_same_during_the_capture_and_while_the_outcome_is_asked_for(world, point, passed, token):
    run_operations(world, f"{point}:{passed}", token)

    world.assert_books_agree()


@pytest.mark.full
@pytest.mark.parametrize("point", OPERATION_POINTS)
def test_the_same_during_a_refund(world, point):
    run_refund(world, point)

    world.assert_books_agree()


class ForgetfulGateway:
    """What must not be built: after a crash it knows nothing, asks nobody and submits under a new id."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self.name = gateway.name

    def submit(self, request: GatewayRequest) -> GatewayResult:
        return self._gateway.submit(replace(request, operation_id=new_id()))

    def query(self, operation_id: uuid.UUID) -> GatewayResult:
        return GatewayResult(Outcome.NOT_FOUND)


def test_a_worker_that_is_not_idempotent_is_seen_in_the_books(world, settings, tmp_path, monkeypatch, request):
    # A provider of its own, because these books will not agree again.
    provider = ProviderProcess(log=tmp_path / "log.jsonl").start()
    request.addfinalizer(provider.stop)
    crash_run.play(settings, provider.url)
    registry.get.cache_clear()
    forgetful = ForgetfulGateway(registry.get(GATEWAY))
    _, order_id = begun()
    World(provider).crash("operation.called", "work")

    with monkeypatch.context() as patched:
        patched.setattr(registry, "get", lambda name: forgetful)
        eventually(lambda: crash_run.work() and payments_of(order_id)[0].state == "failed", what="it went on")
    found = books.breaks(provider.records(), gateway=GATEWAY)

    operation_ids = {str(operation.id) for operation in payments_of(order_id)[0].operations.all()}
    assert operation_ids & {one.subject for one in found}
    # Out of the sight of the tests after this one, whose provider knows nothing of it.
    payments_of(order_id)[0].operations.update(gateway="forgetful")


def test_an_answer_recorded_twice_without_looking_at_the_state_is_stopped_by_the_database(world, monkeypatch):
    _, order_id = begun()
    world.recover(order_id)
    (payment,) = payments_of(order_id)
    refund = payment_actions.refund(payment_id=payment.id, amount_minor=400, reason="one piece was broken")
    world.recover(order_id, payment_status="partially_refunded")
    again = GatewayResult(Outcome.SUCCEEDED, provider_ref="again", amount_minor=400)

    assert payment_outcomes.record(operation_id=refund.id, result=again) is False
    monkeypatch.setattr(payment_outcomes, "OPEN_OPERATION_STATES", tuple(OperationState))
    with pytest.raises(IntegrityError, match="payment_pending_within_totals"):
        payment_outcomes.record(operation_id=refund.id, result=again)

    assert payments_of(order_id)[0].refunded_minor == 400
    world.assert_books_agree()
