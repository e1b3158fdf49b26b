"""The provider's decisions, by card token."""

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from simulators.operation_log import OperationLog
from simulators.provider import Answering, Charge, OperationConflict, Provider


@pytest.fixture
def log(tmp_path: Path) -> OperationLog:
    return OperationLog(path=tmp_path / "log.jsonl")


@pytest.fixture
def provider(log: OperationLog) -> Provider:
    return Provider(log=log, slow_seconds=0.0, stopping=threading.Event())


def charge(token: str) -> Charge:
    return Charge(
        operation_id=uuid4(), payment_id=uuid4(), kind="charge", amount_minor=700, currency="GBP", token=token
    )


@pytest.mark.parametrize(
    ("token", "status", "decline_code", "charged_minor", "answering"),
    [
        ("tok_approve", "succeeded", "", 700, Answering.AT_ONCE),
        ("tok_slow", "succeeded", "", 700, Answering.AT_ONCE),
        ("tok_decline", "declined", "card_declined", 0, Answering.AT_ONCE),
        ("tok_timeout_after_charge", "succeeded", "", 700, Answering.HELD),
        ("tok_500_after_charge", "succeeded", "", 700, Answering.BROKEN),
        ("anything else", "declined", "invalid_token", 0, Answering.AT_ONCE),
    ],
)
def test_token_decides_and_the_second_submit_gets_the_stored_decision_at_once(
    provider: Provider, token: str, status: str, decline_code: str, charged_minor: int, answering: Answering
) -> None:
    asked = charge(token)

    first, second = provider.submit(charge=asked), provider.submit(charge=asked)

    assert first.record is not None
    assert (first.record["status"], first.record["decline_code"]) == (status, decline_code)
    assert (first.record["charged_minor"], first.answering) == (charged_minor, answering)
    assert (second.record, second.answering) == (first.record, Answering.AT_ONCE)
    assert provider.find(operation_id=asked.operation_id) == first.record


def test_timeout_before_charge_decides_on_the_second_submit(provider: Provider, log: OperationLog) -> None:
    asked = charge("tok_timeout_before_charge")

    first = provider.submit(charge=asked)
    found = provider.find(operation_id=asked.operation_id)
    second = provider.submit(charge=asked)

    assert (first.record, first.answering, found) == (None, Answering.HELD, None)
    assert second.record is not None
    assert (second.record["status"], second.answering) == ("succeeded", Answering.AT_ONCE)
    assert [record["type"] for record in log.after(number=0)] == ["noted", "operation"]


@pytest.mark.parametrize("token", ["tok_approve", "tok_timeout_before_charge"])
@pytest.mark.parametrize("change", [{"amount_minor": 701}, {"currency": "EUR"}, {"token": "tok_decline"}])
def test_same_operation_with_another_body_is_refused(
    provider: Provider, log: OperationLog, token: str, change: dict[str, Any]
) -> None:
    asked = charge(token)
    provider.submit(charge=asked)
    before = log.after(number=0)

    with pytest.raises(OperationConflict):
        provider.submit(charge=replace(asked, **change))

    assert log.after(number=0) == before
