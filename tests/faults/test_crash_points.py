"""Killed at every place between two side effects: whoever goes on afterwards, each purchase happens once or not at all.

The gateway and tasks programs of the stack are stopped meanwhile, so that the process that dies is the one that has the
work. A second run, without a failpoint, goes on from what is in PostgreSQL and at the provider.
"""

import uuid
from collections.abc import Iterator
from dataclasses import replace

import pytest
from django.db import IntegrityError

from core.failpoints import POINTS
from core.ids import new_id
from core.orders.selectors import books
from core.orders.services import payment_actions, payment_outcomes
from core.payments.domain.operation_state import OperationState
from core.payments.gateways import registry
from core.payments.gateways.protocol import Gateway, GatewayRequest, GatewayResult, Outcome
from deploy.local.control import Stack
from tests import crash_run
from tests.crash_run import GATEWAY
from tests.fakes.provider_process import ProviderProcess
from tests.faults.crash_scenarios import SCENARIOS, begun, run_operations, run_refund
from tests.faults.crash_world import World
from tests.storefront import payments_of
from tests.waiting import eventually

OPERATION_POINTS = [point for point in POINTS if point.startswith("operation.")]


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


@pytest.mark.parametrize("point", POINTS)
def test_whoever_is_killed_there_the_books_agree_afterwards(world, point):
    SCENARIOS[point.split(".")[0]](world, point)

    world.assert_books_agree()


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
