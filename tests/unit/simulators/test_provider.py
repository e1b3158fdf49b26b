"""The provider's decisions: by token, by what the payment allows, and the same after a replay of its log."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from simulators.card_tokens import TOKENS, Answering, Kind
from simulators.operation_log import OperationLog
from simulators.operation_request import OperationRequest
from simulators.provider import Provider
from simulators.refusals import DisputeRefused, NoSuchDispute, NothingPending, OperationConflict

BOLETO_TOKENS = {"tok_boleto", "tok_boleto_paid", "tok_boleto_expired"}


@pytest.fixture
def log(tmp_path: Path) -> OperationLog:
    return OperationLog(path=tmp_path / "log.jsonl")


@pytest.fixture
def provider(log: OperationLog) -> Provider:
    return Provider(log=log, slow_seconds=0.0, stopping=threading.Event())


def authorize(token: str) -> OperationRequest:
    return OperationRequest(
        operation_id=uuid4(), payment_id=uuid4(), kind=Kind.AUTHORIZE, amount_minor=700, currency="GBP", token=token
    )


def follow(request: OperationRequest, kind: Kind, **changes: Any) -> OperationRequest:
    return replace(request, operation_id=uuid4(), kind=kind, **changes)


@pytest.mark.parametrize(
    ("token", "status", "decline_code", "moved_minor", "answering"),
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
    provider: Provider, token: str, status: str, decline_code: str, moved_minor: int, answering: Answering
) -> None:
    asked = authorize(token)

    first, second = provider.submit(request=asked), provider.submit(request=asked)

    assert first.record is not None
    assert (first.record["status"], first.record["decline_code"]) == (status, decline_code)
    assert (first.record["moved_minor"], first.answering) == (moved_minor, answering)
    assert (second.record, second.answering) == (first.record, Answering.AT_ONCE)
    assert provider.find(operation_id=asked.operation_id) == first.record


@pytest.mark.parametrize(
    ("token", "kinds", "decline_code", "answering"),
    [
        ("tok_capture_timeout", [Kind.CAPTURE], "", Answering.HELD),
        ("tok_capture_500", [Kind.CAPTURE], "", Answering.BROKEN),
        ("tok_capture_decline", [Kind.CAPTURE], "authorization_expired", Answering.AT_ONCE),
        ("tok_void_timeout", [Kind.VOID], "", Answering.HELD),
        ("tok_void_decline", [Kind.VOID], "void_declined", Answering.AT_ONCE),
        ("tok_refund_timeout", [Kind.CAPTURE, Kind.REFUND], "", Answering.HELD),
        ("tok_refund_500", [Kind.CAPTURE, Kind.REFUND], "", Answering.BROKEN),
        ("tok_refund_decline", [Kind.CAPTURE, Kind.REFUND], "refund_declined", Answering.AT_ONCE),
    ],
)
def test_token_of_a_later_operation_lets_the_earlier_ones_pass(
    provider: Provider, token: str, kinds: list[Kind], decline_code: str, answering: Answering
) -> None:
    asked = authorize(token)

    answers = [provider.submit(request=request) for request in [asked, *(follow(asked, kind) for kind in kinds)]]

    *earlier, last = [(answer.record["decline_code"], answer.answering) for answer in answers if answer.record]
    assert earlier == [("", Answering.AT_ONCE)] * len(kinds)
    assert last == (decline_code, answering)


@pytest.mark.parametrize("token", sorted(TOKENS.keys() - BOLETO_TOKENS))
def test_every_token_but_a_boletos_is_decided_at_the_latest_by_the_second_submit(
    provider: Provider, token: str
) -> None:
    asked = authorize(token)
    provider.submit(request=asked)

    answer = provider.submit(request=asked)

    assert answer.record is not None
    assert (answer.record["type"], answer.answering) == ("operation", Answering.AT_ONCE)


@pytest.mark.parametrize("change", [{"currency": "EUR"}, {"token": "tok_slow"}])
def test_later_operation_with_another_currency_or_token_is_declined(provider: Provider, change: dict[str, str]) -> None:
    asked = authorize("tok_approve")
    provider.submit(request=asked)

    answer = provider.submit(request=follow(asked, Kind.CAPTURE, **change))

    assert answer.record is not None
    assert answer.record["decline_code"] == f"{next(iter(change))}_mismatch"
    assert provider.totals(payment_id=asked.payment_id).captured_minor == 0


@pytest.mark.parametrize(("is_paid", "moved_minor"), [(True, 700), (False, 0)])
def test_pending_slip_is_logged_twice_and_ends_once(
    provider: Provider, log: OperationLog, is_paid: bool, moved_minor: int
) -> None:
    asked = authorize("tok_boleto")
    provider.submit(request=asked)

    ended = provider.end_pending(payment_id=asked.payment_id, is_paid=is_paid)

    assert [record["type"] for record in log.after(number=0)] == ["pending", "operation"]
    assert (ended["moved_minor"], ended["operation_id"]) == (moved_minor, str(asked.operation_id))
    assert provider.find(operation_id=asked.operation_id) == ended
    with pytest.raises(NothingPending):
        provider.end_pending(payment_id=asked.payment_id, is_paid=True)


def test_expired_slip_leaves_room_for_another(provider: Provider) -> None:
    asked = authorize("tok_boleto")
    provider.submit(request=asked)
    provider.end_pending(payment_id=asked.payment_id, is_paid=False)

    answer = provider.submit(request=follow(asked, Kind.AUTHORIZE))

    assert answer.record is not None
    assert answer.record["type"] == "pending"


def test_operations_at_the_same_time_spend_the_amount_once(provider: Provider) -> None:
    asked = authorize("tok_approve")
    provider.submit(request=asked)
    captures = [follow(asked, Kind.CAPTURE, amount_minor=100) for _ in range(16)]

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda request: provider.submit(request=request), captures))

    found = Counter(answer.record["decline_code"] for answer in answers if answer.record)
    assert found[""] == 7
    assert found["amount_exceeds_authorization"] + found["already_captured"] == 9
    assert provider.totals(payment_id=asked.payment_id).captured_minor == 700


def test_timeout_before_charge_decides_on_the_second_submit(provider: Provider, log: OperationLog) -> None:
    asked = authorize("tok_timeout_before_charge")

    first = provider.submit(request=asked)
    found = provider.find(operation_id=asked.operation_id)
    second = provider.submit(request=asked)

    assert (first.record, first.answering, found) == (None, Answering.HELD, None)
    assert second.record is not None
    assert (second.record["status"], second.answering) == ("succeeded", Answering.AT_ONCE)
    assert [record["type"] for record in log.after(number=0)] == ["noted", "operation"]


@pytest.mark.parametrize("token", ["tok_approve", "tok_timeout_before_charge", "tok_boleto"])
@pytest.mark.parametrize("change", [{"amount_minor": 701}, {"currency": "EUR"}, {"payment_id": uuid4()}])
def test_same_operation_with_another_body_is_refused(
    provider: Provider, log: OperationLog, token: str, change: dict[str, Any]
) -> None:
    asked = authorize(token)
    provider.submit(request=asked)
    before = log.after(number=0)

    with pytest.raises(OperationConflict):
        provider.submit(request=replace(asked, **change))

    assert log.after(number=0) == before


@pytest.mark.parametrize(("status", "disputed_minor", "fee_minor"), [("won", 0, -1500), ("lost", 600, 0)])
def test_dispute_takes_its_amount_until_it_is_won(
    provider: Provider, log: OperationLog, status: str, disputed_minor: int, fee_minor: int
) -> None:
    asked = authorize("tok_approve")
    provider.submit(request=asked)
    provider.submit(request=follow(asked, Kind.CAPTURE))

    opened = provider.open_dispute(payment_id=asked.payment_id, amount_minor=600, reason="fraudulent")
    refused = provider.submit(request=follow(asked, Kind.REFUND, amount_minor=101))
    ended = provider.end_dispute(dispute_id=opened["dispute_id"], status=status)

    assert (opened["status"], opened["fee_minor"], opened["currency"]) == ("open", 1500, "GBP")
    assert refused.record is not None
    assert refused.record["decline_code"] == "amount_exceeds_capture"
    assert (ended["status"], ended["fee_minor"]) == (status, fee_minor)
    assert provider.totals(payment_id=asked.payment_id).disputed_minor == disputed_minor
    assert [record["event"] for record in log.after(number=0) if record["type"] == "dispute"] == ["opened", status]


def test_dispute_beyond_what_was_taken_or_after_its_end_is_refused_and_stored_nowhere(
    provider: Provider, log: OperationLog
) -> None:
    asked = authorize("tok_approve")
    provider.submit(request=asked)
    provider.submit(request=follow(asked, Kind.CAPTURE))
    opened = provider.open_dispute(payment_id=asked.payment_id, amount_minor=700, reason="")
    provider.end_dispute(dispute_id=opened["dispute_id"], status="lost")
    before = log.after(number=0)

    with pytest.raises(DisputeRefused, match="only 0 can be disputed"):
        provider.open_dispute(payment_id=asked.payment_id, amount_minor=1, reason="")
    with pytest.raises(DisputeRefused, match="lost already"):
        provider.end_dispute(dispute_id=opened["dispute_id"], status="won")
    with pytest.raises(NoSuchDispute):
        provider.end_dispute(dispute_id="dispute_of_nobody", status="won")

    assert log.after(number=0) == before
