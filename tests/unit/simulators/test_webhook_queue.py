"""Which webhooks are sent when: in turn, again after a refusal, not for ever, and not again after a restart."""

import threading
import time
from pathlib import Path
from uuid import uuid4

import pytest

from simulators.card_tokens import Kind
from simulators.operation_log import OperationLog
from simulators.operation_request import OperationRequest
from simulators.provider import Provider
from simulators.webhook_queue import Delivery, WebhookQueue
from tests.waiting import eventually


@pytest.fixture
def log(tmp_path: Path) -> OperationLog:
    return OperationLog(path=tmp_path / "log.jsonl")


def authorized(log: OperationLog, token: str = "tok_approve", *, captures: bool = False) -> None:
    """A payment that is held, and taken too when `captures`."""
    provider = Provider(log=log, slow_seconds=0.0, stopping=threading.Event())
    payment_id = uuid4()
    for kind in [Kind.AUTHORIZE, Kind.CAPTURE][: 1 + captures]:
        provider.submit(
            request=OperationRequest(
                operation_id=uuid4(), payment_id=payment_id, kind=kind, amount_minor=700, currency="GBP", token=token
            )
        )


def queue_of(log: OperationLog, *, retry_seconds: tuple[float, ...] = (60.0,)) -> WebhookQueue:
    return WebhookQueue(log=log, late_seconds=1.0, retry_seconds=retry_seconds)


def taken(queue: WebhookQueue) -> Delivery:
    return eventually(queue.take, seconds_max=5)


def statuses(log: OperationLog) -> list[str]:
    return [record["status"] for record in log.after(number=0) if record["type"] == "webhook"]


def test_acknowledged_event_is_logged_and_not_due_again_even_in_another_queue(log: OperationLog) -> None:
    authorized(log)
    queue = queue_of(log)

    queue.acknowledged(taken(queue))

    assert statuses(log) == ["acknowledged"]
    assert queue.take() is None
    assert queue_of(log).take() is None


def test_event_that_was_taken_and_never_given_back_is_due_after_a_restart(log: OperationLog) -> None:
    authorized(log)
    lost = taken(queue_of(log))

    again = taken(queue_of(log))

    assert again.event == lost.event


def test_refused_event_is_tried_again_until_it_is_given_up_for_good(log: OperationLog) -> None:
    authorized(log)
    queue = queue_of(log, retry_seconds=(0.01, 0.02))

    goes_on = [queue.refused(taken(queue)) for _ in range(3)]

    assert goes_on == [True, True, False]
    assert statuses(log) == ["given_up"]
    assert queue.take() is None
    assert queue_of(log).take() is None


def test_authorization_that_is_held_back_follows_the_capture(log: OperationLog) -> None:
    authorized(log, "tok_webhook_reordered", captures=True)
    queue = queue_of(log)

    first = taken(queue)
    while_capture_is_on_its_way = queue.take()
    queue.acknowledged(first)
    second = taken(queue)
    queue.acknowledged(second)

    assert (first.event.kind, while_capture_is_on_its_way, second.event.kind) == ("capture", None, "authorize")
    assert queue.take() is None


def test_waiting_for_the_first_try_ends_with_it(log: OperationLog) -> None:
    authorized(log)
    queue = queue_of(log)
    delivery = taken(queue)

    before = queue.wait_tried(delivery.event.event_id, seconds_max=0.05)
    queue.refused(delivery)

    assert before is False
    assert queue.wait_tried(delivery.event.event_id, seconds_max=0.05) is True


@pytest.mark.parametrize(("token", "is_late"), [("tok_timeout_after_charge", True), ("tok_webhook_only", False)])
def test_webhook_of_a_lost_answer_is_late_unless_it_is_all_there_is(
    log: OperationLog, token: str, is_late: bool
) -> None:
    started = time.monotonic()
    authorized(log, token)
    queue = queue_of(log)

    delivery = taken(queue)

    assert delivery.event.kind == "authorize"
    assert (time.monotonic() - started >= 0.9) == is_late
