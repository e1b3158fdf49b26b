"""The provider's webhooks, from the real process to a real receiver: signed, at least once, over restarts."""

import hashlib
import hmac
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.fakes.provider_process import ProviderProcess
from tests.fakes.webhook_receiver import Received, WebhookReceiver
from tests.waiting import eventually

SECRET = "first-secret"


@pytest.fixture
def receiver() -> Iterator[WebhookReceiver]:
    receiver = WebhookReceiver().start()
    yield receiver
    receiver.stop()


@pytest.fixture
def provider(tmp_path: Path, receiver: WebhookReceiver) -> Iterator[ProviderProcess]:
    # Of two secrets the first signs; the second is the one being replaced.
    provider = ProviderProcess(
        log=tmp_path / "log.jsonl",
        hold_seconds=1.5,
        slow_seconds=0.3,
        webhook_url=receiver.url,
        webhook_secret=f"{SECRET},second-secret",
    ).start()
    yield provider
    provider.stop()


def submit(provider: ProviderProcess, payment_id: object, kind: str, token: str, **options: float) -> httpx.Response:
    body = {"payment_id": str(payment_id), "kind": kind, "amount_minor": 500, "currency": "GBP", "token": token}
    key = {"Idempotency-Key": str(uuid4())}
    return httpx.post(f"{provider.url}/v1/operations", headers=key, json=body, **options)  # type: ignore[arg-type]


def kinds(receiver: WebhookReceiver, count: int) -> list[str]:
    """The kinds of the first `count` webhooks, once they have come."""
    eventually(lambda: len(receiver.received) >= count, what=f"{count} webhooks")
    return [one.kind for one in receiver.received[:count]]


def ended(provider: ProviderProcess) -> list[str]:
    return [record["status"] for record in provider.records() if record["type"] == "webhook"]


def is_signed(one: Received, secret: str) -> bool:
    stamp, digest = (part.split("=", 1)[1] for part in one.signature.split(","))
    expected = hmac.new(secret.encode(), f"{stamp}.".encode() + one.body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(digest, expected) and abs(time.time() - int(stamp)) < 30


def test_webhook_says_what_the_answer_says_and_only_the_secret_proves_it(
    provider: ProviderProcess, receiver: WebhookReceiver
) -> None:
    answer = submit(provider, uuid4(), "authorize", "tok_approve").json()

    kinds(receiver, 1)

    [one] = receiver.received
    assert (one.content["type"], one.content["data"]) == ("operation.succeeded", answer)
    assert is_signed(one, SECRET)
    assert not is_signed(one, "second-secret")
    eventually(lambda: ended(provider) == ["acknowledged"], what="it is acknowledged")


def test_decline_is_told_and_a_pending_slip_only_once_it_has_ended(
    provider: ProviderProcess, receiver: WebhookReceiver
) -> None:
    submit(provider, uuid4(), "authorize", "tok_decline")
    payment_id = uuid4()
    submit(provider, payment_id, "authorize", "tok_boleto")
    kinds(receiver, 1)

    provider.settle(payment_id, is_paid=True)

    kinds(receiver, 2)
    assert [one.content["type"] for one in receiver.received] == ["operation.declined", "operation.succeeded"]


@pytest.mark.parametrize(
    ("token", "told", "code"),
    [("tok_boleto_paid", "operation.succeeded", ""), ("tok_boleto_expired", "operation.declined", "expired")],
)
def test_slip_that_ends_by_itself_does_so_over_a_restart(
    provider: ProviderProcess, receiver: WebhookReceiver, token: str, told: str, code: str
) -> None:
    assert submit(provider, uuid4(), "authorize", token).json()["status"] == "pending"
    provider.kill()
    provider.start()

    kinds(receiver, 1)

    content = receiver.received[0].content
    assert (content["type"], content["data"]["decline_code"]) == (told, code)


def test_duplicate_has_the_same_id_and_bytes(provider: ProviderProcess, receiver: WebhookReceiver) -> None:
    submit(provider, uuid4(), "authorize", "tok_webhook_duplicate")

    kinds(receiver, 2)

    first, second = receiver.received
    assert first.body == second.body


def test_reordered_authorization_comes_after_its_capture(provider: ProviderProcess, receiver: WebhookReceiver) -> None:
    payment_id = uuid4()

    submit(provider, payment_id, "authorize", "tok_webhook_reordered")
    submit(provider, payment_id, "capture", "tok_webhook_reordered")

    assert kinds(receiver, 2) == ["capture", "authorize"]


def test_early_webhook_is_there_before_the_answer(provider: ProviderProcess, receiver: WebhookReceiver) -> None:
    answer = submit(provider, uuid4(), "authorize", "tok_webhook_early")

    assert [one.content["data"] for one in receiver.received] == [answer.json()]


def test_early_answer_does_not_wait_for_ever_when_nobody_receives(
    provider: ProviderProcess, receiver: WebhookReceiver
) -> None:
    receiver.stop()

    answer = submit(provider, uuid4(), "authorize", "tok_webhook_early")

    assert answer.json()["status"] == "succeeded"
    assert answer.elapsed.total_seconds() < 1.5
    receiver.start()


def test_webhook_comes_though_the_answer_never_does(provider: ProviderProcess, receiver: WebhookReceiver) -> None:
    with pytest.raises(httpx.TimeoutException):
        submit(provider, uuid4(), "authorize", "tok_webhook_only", timeout=0.5)

    assert kinds(receiver, 1) == ["authorize"]


def test_refused_webhook_is_sent_again_with_the_same_id_until_it_is_taken(
    provider: ProviderProcess, receiver: WebhookReceiver
) -> None:
    receiver.statuses = [404, 500, 302]

    submit(provider, uuid4(), "authorize", "tok_approve")

    kinds(receiver, 4)
    assert [one.status for one in receiver.received] == [404, 500, 302, 200]
    assert len({one.body for one in receiver.received}) == 1
    assert all(is_signed(one, SECRET) for one in receiver.received)
    eventually(lambda: ended(provider) == ["acknowledged"], what="it is acknowledged")


def test_what_was_not_acknowledged_is_sent_after_sigkill_and_what_was_is_not(
    provider: ProviderProcess, receiver: WebhookReceiver
) -> None:
    submit(provider, uuid4(), "authorize", "tok_approve")
    eventually(lambda: ended(provider) == ["acknowledged"], what="the first is acknowledged")
    port = receiver.port
    receiver.stop()
    answers = [submit(provider, uuid4(), "authorize", "tok_approve").json() for _ in range(3)]
    provider.kill()
    receiver.received.clear()
    receiver.start(port)

    provider.start()

    eventually(lambda: len(ended(provider)) == 4, what="all are acknowledged")
    assert sorted(one.content["data"]["operation_id"] for one in receiver.received) == sorted(
        answer["operation_id"] for answer in answers
    )


def test_dispute_is_told_when_it_opens_and_when_it_ends(provider: ProviderProcess, receiver: WebhookReceiver) -> None:
    payment_id = uuid4()
    submit(provider, payment_id, "authorize", "tok_approve")
    submit(provider, payment_id, "capture", "tok_approve")
    kinds(receiver, 2)

    opened = provider.control("disputes", payment_id=str(payment_id), amount_minor=200, reason="fraudulent")
    kinds(receiver, 3)
    ended = provider.control(f"disputes/{opened['dispute_id']}", status="lost")
    kinds(receiver, 4)

    told = [(one.content["type"], one.content["data"]) for one in receiver.received[2:]]
    assert told == [("dispute.opened", opened), ("dispute.lost", ended)]
    assert opened == {
        "dispute_id": opened["dispute_id"], "payment_id": str(payment_id), "amount_minor": 200, "currency": "GBP",
        "reason": "fraudulent", "status": "open",
    }  # fmt: skip


def test_receiver_that_refuses_everything_is_not_stormed(provider: ProviderProcess, receiver: WebhookReceiver) -> None:
    receiver.statuses = [404] * 10_000
    for _ in range(100):
        submit(provider, uuid4(), "authorize", "tok_approve")
    seen = len(receiver.received)

    time.sleep(2)

    # Four threads that rest 0.1 s after each refusal.
    assert len(receiver.received) - seen <= 2 * 40 + 8
