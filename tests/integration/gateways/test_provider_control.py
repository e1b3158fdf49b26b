"""What tests and the tour can make happen at the provider, and its settlement file, on the real process."""

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.fakes.provider_process import ProviderProcess

SIGNS = {"capture": 1, "refund": -1}


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[ProviderProcess]:
    provider = ProviderProcess(log=tmp_path / "log.jsonl").start()
    yield provider
    provider.stop()


def submit(provider: ProviderProcess, payment_id: object, kind: str, amount_minor: int) -> httpx.Response:
    body = {
        "payment_id": str(payment_id), "kind": kind, "amount_minor": amount_minor, "currency": "GBP",
        "token": "tok_approve",
    }  # fmt: skip
    return httpx.post(f"{provider.url}/v1/operations", headers={"Idempotency-Key": str(uuid4())}, json=body)


def settlement(provider: ProviderProcess, day: str) -> list[dict[str, str]]:
    answer = httpx.get(f"{provider.url}/v1/settlement", params={"day": day})
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/csv; charset=utf-8")
    return list(csv.DictReader(io.StringIO(answer.text)))


def test_outage_answers_503_until_it_is_over_and_decides_nothing(provider: ProviderProcess) -> None:
    provider.control("outages", seconds=600)

    refused = submit(provider, uuid4(), "authorize", 500)
    queried = httpx.get(f"{provider.url}/v1/operations/{uuid4()}")
    settled = httpx.get(f"{provider.url}/v1/settlement?day=2026-11-21")
    records, health = provider.records(), httpx.get(f"{provider.url}/healthz")
    provider.control("outages", seconds=0)

    assert [answer.status_code for answer in (refused, queried, settled, health)] == [503, 503, 503, 200]
    assert refused.json()["error"]["code"] == "out_of_service"
    assert records == []
    assert submit(provider, uuid4(), "authorize", 500).status_code == 200


def test_outage_can_drop_connections(provider: ProviderProcess) -> None:
    provider.control("outages", seconds=600, drop=True)

    with pytest.raises(httpx.RemoteProtocolError):
        submit(provider, uuid4(), "authorize", 500)

    assert provider.records() == []


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("outages", {"seconds": -1}, 400),
        ("outages", {"seconds": "5"}, 400),
        ("outages", {"seconds": 5, "drop": 1}, 400),
        ("boleto", {"payment_id": str(uuid4()), "paid": "yes"}, 400),
        ("boleto", {"payment_id": str(uuid4()), "paid": True}, 409),
        ("disputes", {"payment_id": str(uuid4()), "amount_minor": 1, "reason": "fraudulent"}, 409),
        ("disputes", {"payment_id": str(uuid4()), "amount_minor": 0, "reason": "fraudulent"}, 400),
        ("disputes", {"payment_id": str(uuid4()), "amount_minor": 1}, 400),
        ("disputes/dispute_of_nobody", {"status": "won"}, 404),
        ("disputes/dispute_of_nobody", {"status": "open"}, 400),
        ("elsewhere", {}, 404),
    ],
)
def test_order_that_cannot_be_carried_out_is_refused_and_stored_nowhere(
    provider: ProviderProcess, path: str, body: dict[str, object], status: int
) -> None:
    answer = httpx.post(f"{provider.url}/v1/control/{path}", json=body)

    assert answer.status_code == status
    assert provider.records() == []


def test_settlement_file_adds_up_to_the_log(provider: ProviderProcess) -> None:
    payment_id = uuid4()
    for kind, amount_minor in [
        ("authorize", 1000), ("capture", 600), ("capture", 300), ("void", 100), ("refund", 50), ("refund", 5000),
    ]:  # fmt: skip
        submit(provider, payment_id, kind, amount_minor)
    won, lost = (
        provider.control("disputes", payment_id=str(payment_id), amount_minor=amount_minor, reason="fraudulent")
        for amount_minor in (100, 200)
    )
    provider.control(f"disputes/{won['dispute_id']}", status="won")
    provider.control(f"disputes/{lost['dispute_id']}", status="lost")
    records = provider.records()
    provider.kill()
    provider.start()

    lines = settlement(provider, datetime.now(UTC).date().isoformat())

    assert [(line["kind"], int(line["gross_minor"]), int(line["fee_minor"])) for line in lines] == [
        ("capture", 600, 28), ("capture", 300, 24), ("refund", -50, 0), ("dispute_opened", -100, 1500),
        ("dispute_opened", -200, 1500), ("dispute_won", 100, -1500),
    ]  # fmt: skip
    assert all(int(line["net_minor"]) == int(line["gross_minor"]) - int(line["fee_minor"]) for line in lines)
    moved = sum(
        SIGNS.get(record["kind"], 0) * record["moved_minor"] for record in records if record["type"] == "operation"
    )
    assert moved == sum(int(line["gross_minor"]) for line in lines if line["kind"] in SIGNS)
    references = [record["provider_ref"] for record in records if record["type"] in ("operation", "dispute")]
    assert {line["provider_ref"] for line in lines} <= set(references)
    assert len({line["provider_ref"] for line in lines}) == len(lines)


def test_settlement_of_another_day_is_empty_and_of_no_day_refused(provider: ProviderProcess) -> None:
    submit(provider, uuid4(), "authorize", 500)

    assert settlement(provider, "2020-01-01") == []
    assert httpx.get(f"{provider.url}/v1/settlement", params={"day": "soon"}).status_code == 400
    assert httpx.get(f"{provider.url}/v1/settlement").status_code == 400


def test_disputes_and_their_ends_survive_sigkill(provider: ProviderProcess) -> None:
    payment_id = uuid4()
    submit(provider, payment_id, "authorize", 500)
    submit(provider, payment_id, "capture", 500)
    opened = provider.control("disputes", payment_id=str(payment_id), amount_minor=400, reason="")
    provider.kill()
    provider.start()

    refused = submit(provider, payment_id, "refund", 101).json()
    ended = provider.control(f"disputes/{opened['dispute_id']}", status="won")

    assert (refused["decline_code"], ended["status"]) == ("amount_exceeds_capture", "won")
    assert submit(provider, payment_id, "refund", 500).json()["status"] == "succeeded"
