"""Reading a provider's answer: strict, because a misread answer is a wrong amount of money."""

import json
from typing import Any, NoReturn
from uuid import UUID

from core.payments.gateways.protocol import GatewayRequest, GatewayResult, Outcome

OUTCOMES = {"succeeded": Outcome.SUCCEEDED, "declined": Outcome.DECLINED, "pending": Outcome.PENDING}


class UnusableAnswer(Exception):
    """The answer does not say for certain what became of the operation; its message says why."""


def read_submit(*, request: GatewayRequest, status: int, content: bytes) -> GatewayResult:
    """The result of a submit. Raises UnusableAnswer unless the answer is about exactly this request."""
    answer = _decision(status, content, request.operation_id)
    asked = {
        "payment_id": str(request.payment_id),
        "kind": request.kind,
        "amount_minor": request.amount_minor,
        "currency": request.currency,
    }
    for field, value in asked.items():
        if answer.get(field) != value:
            _refuse(f"{field} is {answer.get(field)!r}, asked was {value!r}")
    return _result(answer)


def read_query(*, operation_id: UUID, status: int, content: bytes) -> GatewayResult:
    """The result of a query. Raises UnusableAnswer; a 404 counts only when the provider itself wrote it."""
    if status == 404:
        error = _object(content).get("error")
        if not isinstance(error, dict) or error.get("code") != "not_found":
            _refuse("a 404 that is not the provider's own")
        if error.get("operation_id") != str(operation_id):
            _refuse("not found, but about another operation")
        return GatewayResult(outcome=Outcome.NOT_FOUND)
    return _result(_decision(status, content, operation_id))


def read_notice(notice: dict[str, Any]) -> GatewayResult:
    """The result that a provider tells of unasked, in a webhook. Raises UnusableAnswer."""
    return _result(notice)


def _decision(status: int, content: bytes, operation_id: UUID) -> dict[str, Any]:
    if status != 200:
        _refuse(f"status {status}")
    answer = _object(content)
    if answer.get("operation_id") != str(operation_id):
        _refuse("it is about another operation")
    return answer


def _result(answer: dict[str, Any]) -> GatewayResult:
    status, provider_ref, decline_code, amount_minor = (
        answer.get(field) for field in ("status", "provider_ref", "decline_code", "amount_minor")
    )
    outcome = OUTCOMES.get(status) if isinstance(status, str) else None
    if outcome is None:
        _refuse(f"unknown operation status {status!r}")
    if not isinstance(provider_ref, str) or not provider_ref:
        _refuse("no provider reference")
    if not isinstance(decline_code, str) or bool(decline_code) != (outcome is Outcome.DECLINED):
        _refuse("the decline code contradicts the status")
    # bool is an int to Python, but true is no amount.
    if not isinstance(amount_minor, int) or isinstance(amount_minor, bool):
        _refuse("the amount is not an integer")
    if outcome is Outcome.PENDING:
        return GatewayResult(outcome=outcome, provider_ref=provider_ref)
    return GatewayResult(
        outcome=outcome, provider_ref=provider_ref, decline_code=decline_code, amount_minor=amount_minor
    )


def _object(content: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(content)
    except (ValueError, RecursionError):
        _refuse("it is not JSON")
    if not isinstance(answer, dict):
        _refuse("it is not a JSON object")
    return answer


def _refuse(reason: str) -> NoReturn:
    raise UnusableAnswer(reason)
