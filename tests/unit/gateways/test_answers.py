"""Reading answers: whatever is not exactly about this request decides nothing."""

import json
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.payments.gateways.answers import UnusableAnswer, read_query, read_submit
from core.payments.gateways.protocol import GatewayRequest, GatewayResult, Outcome

REQUEST = GatewayRequest(
    operation_id=UUID(int=1), payment_id=UUID(int=2), kind="capture", amount_minor=100, currency="GBP", token="t"
)
GOOD: dict[str, Any] = {
    "operation_id": str(UUID(int=1)), "payment_id": str(UUID(int=2)), "kind": "capture", "amount_minor": 100,
    "currency": "GBP", "status": "succeeded", "provider_ref": "ch_1", "decline_code": "",
}  # fmt: skip


def submitted(answer: Any, status: int = 200) -> Outcome:
    return read_submit(request=REQUEST, status=status, content=json.dumps(answer).encode()).outcome


def test_exact_answer_is_certain() -> None:
    assert submitted(GOOD) is Outcome.SUCCEEDED
    assert submitted(GOOD | {"status": "declined", "decline_code": "card_declined"}) is Outcome.DECLINED
    assert submitted(GOOD | {"status": "pending"}) is Outcome.PENDING


def test_pending_answer_names_its_reference_and_no_amount_that_could_be_booked() -> None:
    content = json.dumps(GOOD | {"status": "pending"}).encode()

    result = read_query(operation_id=REQUEST.operation_id, status=200, content=content)

    assert result == GatewayResult(outcome=Outcome.PENDING, provider_ref="ch_1")


@pytest.mark.parametrize(
    "change", [{"decline_code": "expired"}, {"provider_ref": ""}, {"amount_minor": 99}, {"currency": "EUR"}]
)
def test_pending_answer_is_read_as_strictly_as_a_decided_one(change: dict[str, Any]) -> None:
    with pytest.raises(UnusableAnswer):
        submitted(GOOD | {"status": "pending"} | change)


@pytest.mark.parametrize(
    "change",
    [
        {"operation_id": str(uuid4())},
        {"payment_id": str(uuid4())},
        {"kind": "refund"},
        {"amount_minor": 99},
        {"amount_minor": "100"},
        {"amount_minor": 100.5},
        {"currency": "EUR"},
        {"status": "processing"},
        {"status": None},
        {"status": ["succeeded"]},
        {"provider_ref": ""},
        {"provider_ref": None},
        {"decline_code": "card_declined"},
        {"decline_code": None},
        {"status": "declined"},
    ],
)
def test_answer_that_deviates_in_one_field_is_unusable(change: dict[str, Any]) -> None:
    with pytest.raises(UnusableAnswer):
        submitted(GOOD | change)


@pytest.mark.parametrize("field", sorted(GOOD))
def test_answer_without_a_field_is_unusable(field: str) -> None:
    with pytest.raises(UnusableAnswer):
        submitted({name: value for name, value in GOOD.items() if name != field})


@pytest.mark.parametrize("status", [201, 202, 204, 301, 400, 402, 404, 409, 422, 429, 500, 502, 504])
def test_only_status_200_decides_a_submit(status: int) -> None:
    with pytest.raises(UnusableAnswer):
        submitted(GOOD, status=status)


@given(content=st.binary(max_size=200))
def test_no_bytes_make_reading_raise_anything_else(content: bytes) -> None:
    for status in (200, 404):
        with pytest.raises(UnusableAnswer):
            read_query(operation_id=REQUEST.operation_id, status=status, content=content)


def test_deeply_nested_answer_is_unusable() -> None:
    with pytest.raises(UnusableAnswer):
        read_submit(request=REQUEST, status=200, content=b"[" * 60_000)


def test_not_found_counts_only_from_the_provider_and_about_this_operation() -> None:
    def queried(error: Any) -> Outcome:
        content = json.dumps({"error": error}).encode()
        return read_query(operation_id=REQUEST.operation_id, status=404, content=content).outcome

    assert queried({"code": "not_found", "operation_id": str(REQUEST.operation_id)}) is Outcome.NOT_FOUND
    for error in ({"code": "not_found"}, {"code": "no_such_path"}, "not_found", None):
        with pytest.raises(UnusableAnswer):
            queried(error)
