"""The simulator as a process: what it has told anyone survives SIGKILL, and nobody can run a second one beside it."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.fakes.provider_process import PROJECT_ROOT, ProviderProcess


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[ProviderProcess]:
    provider = ProviderProcess(log=tmp_path / "log.jsonl", hold_seconds=1.5).start()
    yield provider
    provider.stop()


def body(**changes: object) -> dict[str, object]:
    return {
        "payment_id": str(uuid4()), "kind": "authorize", "amount_minor": 500, "currency": "GBP", "token": "tok_approve",
    } | changes  # fmt: skip


def post(provider: ProviderProcess, operation_id: object, content: dict[str, object]) -> httpx.Response:
    return httpx.post(f"{provider.url}/v1/operations", headers={"Idempotency-Key": str(operation_id)}, json=content)


def _captured_twice(provider: ProviderProcess) -> set[str]:
    """Payments of which more was taken than is held, asked of the provider: one more capture is always declined."""
    captured = {record["payment_id"] for record in provider.records() if record["kind"] == "capture"}
    with httpx.Client(base_url=provider.url) as client:
        answers = {
            payment_id: client.post(
                "/v1/operations",
                headers={"Idempotency-Key": str(uuid4())},
                json=body(payment_id=payment_id, kind="capture", amount_minor=1),
            ).json()
            for payment_id in captured
        }
    return {payment_id for payment_id, answer in answers.items() if answer["decline_code"] != "already_captured"}


def test_every_answer_given_before_sigkill_is_known_after_it(provider: ProviderProcess) -> None:
    told: dict[str, dict[str, object]] = {}

    def authorize_until_killed(_: int) -> None:
        with httpx.Client(timeout=1.0) as client:
            payment_id = ""
            for number in range(10_000):
                operation_id = str(uuid4())
                # Each payment is held and then taken.
                kind = "capture" if number % 2 else "authorize"
                payment_id = payment_id if number % 2 else str(uuid4())
                content = body(payment_id=payment_id, kind=kind)
                try:
                    answer = client.post(
                        f"{provider.url}/v1/operations", headers={"Idempotency-Key": operation_id}, json=content
                    )
                except httpx.HTTPError:
                    return
                told[operation_id] = answer.json()
                if len(told) == 200:
                    provider.kill()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(authorize_until_killed, range(4)))
    provider.start()

    assert len(told) >= 200
    with httpx.Client(base_url=provider.url) as client:
        for operation_id, answer in told.items():
            assert client.get(f"/v1/operations/{operation_id}").json() == answer
    assert Counter((answer["kind"], answer["status"]) for answer in told.values()).keys() == {
        ("authorize", "succeeded"), ("capture", "succeeded"),
    }  # fmt: skip
    assert _captured_twice(provider) == set()
    numbers = [record["n"] for record in provider.records()]
    assert numbers == list(range(1, len(numbers) + 1))


def test_forgotten_first_submit_is_remembered_over_a_restart(provider: ProviderProcess) -> None:
    operation_id, content = uuid4(), body(token="tok_timeout_before_charge")
    assert post(provider, operation_id, content).status_code == 504
    provider.kill()
    provider.start()

    assert httpx.get(f"{provider.url}/v1/operations/{operation_id}").status_code == 404
    assert post(provider, operation_id, content | {"amount_minor": 501}).status_code == 422
    assert post(provider, operation_id, content).json()["status"] == "succeeded"
    assert provider.moved_minor(content["payment_id"], "authorize") == [500]


def test_duplicate_of_a_held_operation_is_answered_at_once_from_the_log(provider: ProviderProcess) -> None:
    operation_id, content = uuid4(), body(token="tok_timeout_after_charge")
    with pytest.raises(httpx.TimeoutException):
        httpx.post(
            f"{provider.url}/v1/operations", headers={"Idempotency-Key": str(operation_id)}, json=content, timeout=0.7
        )

    again = post(provider, operation_id, content)

    assert again.elapsed.total_seconds() < provider.hold_seconds
    assert again.json()["status"] == "succeeded"
    assert provider.moved_minor(content["payment_id"], "authorize") == [500]


def test_second_process_on_the_same_log_refuses_to_start(provider: ProviderProcess) -> None:
    command = [sys.executable, "-m", "simulators.payment_provider", "--port", "0", "--log", str(provider.log)]

    second = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, timeout=20, check=False)

    assert second.returncode == 2
    assert "Another process holds this log" in second.stderr


def test_damaged_log_is_refused_with_the_line(provider: ProviderProcess) -> None:
    post(provider, uuid4(), body())
    post(provider, uuid4(), body())
    provider.stop()
    lines = provider.log.read_bytes().splitlines(keepends=True)
    provider.log.write_bytes(b"{broken\n" + lines[1])
    command = [sys.executable, "-m", "simulators.payment_provider", "--port", "0", "--log", str(provider.log)]

    started = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, timeout=20, check=False)

    assert started.returncode == 2
    assert "line 1" in started.stderr


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"amount_minor": 0}, "amount_minor"),
        ({"amount_minor": True}, "amount_minor"),
        ({"amount_minor": 1.5}, "amount_minor"),
        ({"currency": "gbp"}, "currency"),
        ({"payment_id": "7"}, "payment_id"),
        ({"kind": ""}, "kind"),
        ({"kind": "credit"}, "kind"),
        ({"kind": ["capture"]}, "kind"),
        ({"token": None}, "token"),
        ({"iban": "x"}, "iban"),
    ],
)
def test_bad_input_is_refused_by_name_and_stored_nowhere(
    provider: ProviderProcess, changes: dict[str, object], named: str
) -> None:
    answer = post(provider, uuid4(), body(**changes))

    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "invalid_request"
    assert named in answer.json()["error"]["detail"]
    assert provider.records() == []


def test_bad_envelopes_are_refused_and_the_connection_stays_usable(provider: ProviderProcess) -> None:
    key = {"Idempotency-Key": str(uuid4())}
    with httpx.Client(base_url=provider.url) as client:
        assert client.post("/v1/operations", json=body()).status_code == 400
        assert client.post("/v1/operations", headers={"Idempotency-Key": "7"}, json=body()).status_code == 400
        assert client.post("/v1/operations", headers=key, content=b"[" * 60_000).status_code == 400
        assert client.post("/v1/operations", headers=key, content=b" " * 70_000).status_code == 413
        assert client.post("/v1/elsewhere", headers=key, json=body()).status_code == 404
        assert client.get("/v1/operations/7").status_code == 400
        assert client.get("/v1/log", params={"after": "x"}).status_code == 400
        assert client.get("/healthz").json() == {"status": "ok", "operations": 0}


def test_log_pages_by_number_and_equals_the_file(provider: ProviderProcess) -> None:
    for _ in range(3):
        post(provider, uuid4(), body())

    page = httpx.get(f"{provider.url}/v1/log", params={"after": 1}).json()["records"]

    assert [record["n"] for record in page] == [2, 3]
    assert provider.records() == [json.loads(line) for line in provider.log.read_text().splitlines()]
