"""What every gateway promises, checked against the real simulator process over HTTP and against the fake alike.

The expectations are written by hand, so neither can pass against itself. The suite cannot see what a real provider
does beyond the simulator's tokens: rate limits, partial outages, answers in other words.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from core.payments.gateways.http import HttpGateway
from core.payments.gateways.protocol import Gateway, GatewayRequest, Outcome
from tests.fakes.gateway import FakeGateway
from tests.fakes.provider_process import ProviderProcess


@dataclass
class Subject:
    gateway: Gateway
    charged_minor: Callable[[UUID], int]


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProviderProcess]:
    log: Path = tmp_path_factory.mktemp("provider") / "log.jsonl"
    provider = ProviderProcess(log=log, hold_seconds=2.5).start()
    yield provider
    provider.stop()


@pytest.fixture(params=["http", "fake"])
def subject(request: pytest.FixtureRequest) -> Subject:
    if request.param == "fake":
        fake = FakeGateway()
        return Subject(gateway=fake, charged_minor=lambda payment_id: fake.charged_minor[payment_id])
    provider: ProviderProcess = request.getfixturevalue("provider")
    # Long enough for a busy machine to answer in time, and shorter than an answer is held.
    gateway = HttpGateway(name="simulator", url=provider.url, timeout_seconds=1.5)
    return Subject(
        gateway=gateway,
        charged_minor=lambda payment_id: sum(provider.charged_minor(payment_id)),
    )


def charge(token: str) -> GatewayRequest:
    return GatewayRequest(
        operation_id=uuid4(), payment_id=uuid4(), kind="charge", amount_minor=1299, currency="GBP", token=token
    )


@pytest.mark.parametrize("token", ["tok_approve", "tok_slow"])
def test_approved_charge_is_certain_at_once(subject: Subject, token: str) -> None:
    request = charge(token)

    result = subject.gateway.submit(request)

    assert (result.outcome, result.decline_code, result.amount_minor) == (Outcome.SUCCEEDED, "", 1299)
    assert result.provider_ref
    assert subject.gateway.query(request.operation_id) == result
    assert subject.charged_minor(request.payment_id) == 1299


@pytest.mark.parametrize(
    ("token", "code"), [("tok_decline", "card_declined"), ("tok_of_nobody", "invalid_token"), ("", "invalid_token")]
)
def test_decline_names_its_reason_and_charges_nothing(subject: Subject, token: str, code: str) -> None:
    request = charge(token)

    result = subject.gateway.submit(request)

    assert (result.outcome, result.decline_code, result.amount_minor) == (Outcome.DECLINED, code, 1299)
    assert subject.gateway.query(request.operation_id) == result
    assert subject.charged_minor(request.payment_id) == 0


@pytest.mark.parametrize("token", ["tok_timeout_after_charge", "tok_500_after_charge"])
def test_lost_answer_is_unknown_until_asked_for(subject: Subject, token: str) -> None:
    request = charge(token)

    submitted = subject.gateway.submit(request)
    queried = subject.gateway.query(request.operation_id)

    assert (submitted.outcome, submitted.provider_ref, submitted.amount_minor) == (Outcome.UNKNOWN, "", None)
    assert (queried.outcome, queried.amount_minor) == (Outcome.SUCCEEDED, 1299)
    assert subject.gateway.submit(request) == queried
    assert subject.charged_minor(request.payment_id) == 1299


def test_lost_request_is_not_found_and_submitting_again_charges_once(subject: Subject) -> None:
    request = charge("tok_timeout_before_charge")

    assert subject.gateway.submit(request).outcome is Outcome.UNKNOWN
    assert subject.gateway.query(request.operation_id).outcome is Outcome.NOT_FOUND
    assert subject.charged_minor(request.payment_id) == 0

    assert subject.gateway.submit(request).outcome is Outcome.SUCCEEDED
    assert subject.gateway.submit(request).outcome is Outcome.SUCCEEDED
    assert subject.charged_minor(request.payment_id) == 1299


def test_query_of_an_operation_nobody_submitted_is_not_found(subject: Subject) -> None:
    result = subject.gateway.query(uuid4())

    assert (result.outcome, result.amount_minor) == (Outcome.NOT_FOUND, None)


def test_same_operation_submitted_at_once_by_many_is_charged_once(subject: Subject) -> None:
    request = charge("tok_approve")

    with ThreadPoolExecutor(8) as pool:
        results = set(pool.map(subject.gateway.submit, [request] * 32))

    assert len(results) == 1
    assert results.pop().outcome is Outcome.SUCCEEDED
    assert subject.charged_minor(request.payment_id) == 1299


def test_same_operation_with_another_amount_is_unknown_and_charges_nothing_more(subject: Subject) -> None:
    request = charge("tok_approve")
    first = subject.gateway.submit(request)

    second = subject.gateway.submit(replace(request, amount_minor=1300))

    assert second.outcome is Outcome.UNKNOWN
    assert subject.gateway.query(request.operation_id) == first
    assert subject.charged_minor(request.payment_id) == 1299
