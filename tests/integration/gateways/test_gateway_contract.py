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
    """`moved_minor(payment id, kind)` is the provider's own word; `settle(payment id, is_paid)` ends a slip."""

    gateway: Gateway
    moved_minor: Callable[[UUID, str], int]
    settle: Callable[[UUID, bool], None]


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
        return Subject(
            gateway=fake,
            moved_minor=lambda payment_id, kind: fake.moved_minor[payment_id, kind],
            settle=lambda payment_id, is_paid: fake.settle(payment_id, is_paid=is_paid),
        )
    provider: ProviderProcess = request.getfixturevalue("provider")
    # Long enough for a busy machine to answer in time, and shorter than an answer is held.
    gateway = HttpGateway(name="simulator", url=provider.url, timeout_seconds=1.5)
    return Subject(
        gateway=gateway,
        moved_minor=lambda payment_id, kind: sum(provider.moved_minor(payment_id, kind)),
        settle=lambda payment_id, is_paid: provider.settle(payment_id, is_paid=is_paid),
    )


def authorize(token: str) -> GatewayRequest:
    return GatewayRequest(
        operation_id=uuid4(), payment_id=uuid4(), kind="authorize", amount_minor=1299, currency="GBP", token=token
    )


def follow(request: GatewayRequest, kind: str, amount_minor: int) -> GatewayRequest:
    """Another operation on the same payment."""
    return replace(request, operation_id=uuid4(), kind=kind, amount_minor=amount_minor)


def authorized(subject: Subject, token: str = "tok_approve") -> GatewayRequest:
    """A payment of 1299 that is held."""
    request = authorize(token)
    assert subject.gateway.submit(request).outcome is Outcome.SUCCEEDED
    return request


def captured(subject: Subject, token: str = "tok_approve") -> GatewayRequest:
    """A payment of 1299 that is taken."""
    request = authorized(subject, token)
    assert subject.gateway.submit(follow(request, "capture", 1299)).outcome is Outcome.SUCCEEDED
    return request


@pytest.mark.parametrize("token", ["tok_approve", "tok_slow"])
def test_approved_authorization_is_certain_at_once_and_takes_nothing(subject: Subject, token: str) -> None:
    request = authorize(token)

    result = subject.gateway.submit(request)

    assert (result.outcome, result.decline_code, result.amount_minor) == (Outcome.SUCCEEDED, "", 1299)
    assert result.provider_ref
    assert subject.gateway.query(request.operation_id) == result
    assert subject.moved_minor(request.payment_id, "authorize") == 1299
    assert subject.moved_minor(request.payment_id, "capture") == 0


@pytest.mark.parametrize(
    ("token", "code"), [("tok_decline", "card_declined"), ("tok_of_nobody", "invalid_token"), ("", "invalid_token")]
)
def test_decline_names_its_reason_and_holds_nothing(subject: Subject, token: str, code: str) -> None:
    request = authorize(token)

    result = subject.gateway.submit(request)

    assert (result.outcome, result.decline_code, result.amount_minor) == (Outcome.DECLINED, code, 1299)
    assert subject.gateway.query(request.operation_id) == result
    assert subject.moved_minor(request.payment_id, "authorize") == 0
    capture = subject.gateway.submit(follow(request, "capture", 1299))
    assert (capture.outcome, capture.decline_code) == (Outcome.DECLINED, "no_such_payment")


def test_capture_in_parts_void_of_the_rest_and_refund_in_parts_move_what_was_asked(subject: Subject) -> None:
    request = authorized(subject)

    results = [
        subject.gateway.submit(follow(request, kind, amount_minor))
        for kind, amount_minor in [("capture", 500), ("capture", 300), ("void", 499), ("refund", 700), ("refund", 100)]
    ]

    assert [(result.outcome, result.amount_minor) for result in results] == [
        (Outcome.SUCCEEDED, 500), (Outcome.SUCCEEDED, 300), (Outcome.SUCCEEDED, 499), (Outcome.SUCCEEDED, 700),
        (Outcome.SUCCEEDED, 100),
    ]  # fmt: skip
    moved = {kind: subject.moved_minor(request.payment_id, kind) for kind in ("authorize", "capture", "void", "refund")}
    assert moved == {"authorize": 1299, "capture": 800, "void": 499, "refund": 800}


@pytest.mark.parametrize(
    ("before", "kind", "amount_minor", "code"),
    [
        ([], "authorize", 1299, "already_authorized"),
        ([], "capture", 1300, "amount_exceeds_authorization"),
        ([("capture", 1000)], "capture", 300, "amount_exceeds_authorization"),
        ([("capture", 1299)], "capture", 1, "already_captured"),
        ([("void", 1299)], "capture", 1, "already_voided"),
        ([("capture", 1000), ("void", 299)], "capture", 1, "already_voided"),
        ([], "void", 1298, "amount_differs_from_remainder"),
        ([("capture", 1000)], "void", 1299, "amount_differs_from_remainder"),
        ([("capture", 1299)], "void", 1299, "already_captured"),
        ([("void", 1299)], "void", 1299, "already_voided"),
        ([], "refund", 1, "amount_exceeds_capture"),
        ([("capture", 1000)], "refund", 1001, "amount_exceeds_capture"),
        ([("capture", 1000), ("refund", 600)], "refund", 401, "amount_exceeds_capture"),
    ],
)
def test_what_exceeds_the_payment_is_declined_and_moves_nothing(
    subject: Subject, before: list[tuple[str, int]], kind: str, amount_minor: int, code: str
) -> None:
    request = authorized(subject)
    for earlier_kind, earlier_minor in before:
        assert subject.gateway.submit(follow(request, earlier_kind, earlier_minor)).outcome is Outcome.SUCCEEDED
    moved = subject.moved_minor(request.payment_id, kind)

    result = subject.gateway.submit(follow(request, kind, amount_minor))

    assert (result.outcome, result.decline_code, result.amount_minor) == (Outcome.DECLINED, code, amount_minor)
    assert subject.moved_minor(request.payment_id, kind) == moved


@pytest.mark.parametrize("kind", ["capture", "void", "refund"])
def test_nothing_follows_on_a_payment_that_nobody_authorized(subject: Subject, kind: str) -> None:
    result = subject.gateway.submit(follow(authorize("tok_approve"), kind, 1))

    assert (result.outcome, result.decline_code) == (Outcome.DECLINED, "no_such_payment")


@pytest.mark.parametrize(
    ("token", "kind", "prepare", "code"),
    [
        ("tok_capture_decline", "capture", authorized, "authorization_expired"),
        ("tok_void_decline", "void", authorized, "void_declined"),
        ("tok_refund_decline", "refund", captured, "refund_declined"),
    ],
)
def test_later_operations_can_be_declined_too(
    subject: Subject, token: str, kind: str, prepare: Callable[[Subject, str], GatewayRequest], code: str
) -> None:
    request = prepare(subject, token)

    result = subject.gateway.submit(follow(request, kind, 1299))

    assert (result.outcome, result.decline_code, result.amount_minor) == (Outcome.DECLINED, code, 1299)
    assert subject.moved_minor(request.payment_id, kind) == 0


@pytest.mark.parametrize(
    ("token", "kind", "prepare"),
    [
        ("tok_timeout_after_charge", "authorize", None),
        ("tok_500_after_charge", "authorize", None),
        ("tok_capture_timeout", "capture", authorized),
        ("tok_capture_500", "capture", authorized),
        ("tok_void_timeout", "void", authorized),
        ("tok_refund_timeout", "refund", captured),
        ("tok_refund_500", "refund", captured),
    ],
)
def test_lost_answer_is_unknown_until_asked_for(
    subject: Subject, token: str, kind: str, prepare: Callable[[Subject, str], GatewayRequest] | None
) -> None:
    request = follow(prepare(subject, token), kind, 1299) if prepare else authorize(token)

    submitted = subject.gateway.submit(request)
    queried = subject.gateway.query(request.operation_id)

    assert (submitted.outcome, submitted.provider_ref, submitted.amount_minor) == (Outcome.UNKNOWN, "", None)
    assert (queried.outcome, queried.amount_minor) == (Outcome.SUCCEEDED, 1299)
    assert subject.gateway.submit(request) == queried
    assert subject.moved_minor(request.payment_id, kind) == 1299


def test_lost_request_is_not_found_and_submitting_again_authorizes_once(subject: Subject) -> None:
    request = authorize("tok_timeout_before_charge")

    assert subject.gateway.submit(request).outcome is Outcome.UNKNOWN
    assert subject.gateway.query(request.operation_id).outcome is Outcome.NOT_FOUND
    assert subject.moved_minor(request.payment_id, "authorize") == 0

    assert subject.gateway.submit(request).outcome is Outcome.SUCCEEDED
    assert subject.gateway.submit(request).outcome is Outcome.SUCCEEDED
    assert subject.moved_minor(request.payment_id, "authorize") == 1299


@pytest.mark.parametrize(
    ("is_paid", "outcome", "code", "moved_minor"),
    [(True, Outcome.SUCCEEDED, "", 1299), (False, Outcome.DECLINED, "expired", 0)],
)
def test_slip_is_pending_under_one_reference_until_it_is_paid_or_expires(
    subject: Subject, is_paid: bool, outcome: Outcome, code: str, moved_minor: int
) -> None:
    request = authorize("tok_boleto")

    pending = subject.gateway.submit(request)

    assert (pending.outcome, pending.decline_code, pending.amount_minor) == (Outcome.PENDING, "", None)
    assert pending.provider_ref
    assert subject.gateway.submit(request) == subject.gateway.query(request.operation_id) == pending
    second = subject.gateway.submit(follow(request, "authorize", 1299))
    assert (second.outcome, second.decline_code) == (Outcome.DECLINED, "already_authorized")

    subject.settle(request.payment_id, is_paid)

    ended = subject.gateway.query(request.operation_id)
    assert (ended.outcome, ended.decline_code, ended.amount_minor) == (outcome, code, 1299)
    assert ended.provider_ref == pending.provider_ref
    assert subject.gateway.submit(request) == ended
    assert subject.moved_minor(request.payment_id, "authorize") == moved_minor


def test_query_of_an_operation_nobody_submitted_is_not_found(subject: Subject) -> None:
    result = subject.gateway.query(uuid4())

    assert (result.outcome, result.amount_minor) == (Outcome.NOT_FOUND, None)


def test_same_operation_submitted_at_once_by_many_is_done_once(subject: Subject) -> None:
    request = authorize("tok_approve")

    with ThreadPoolExecutor(8) as pool:
        results = set(pool.map(subject.gateway.submit, [request] * 32))

    assert len(results) == 1
    assert results.pop().outcome is Outcome.SUCCEEDED
    assert subject.moved_minor(request.payment_id, "authorize") == 1299


def test_same_operation_with_another_amount_is_unknown_and_moves_nothing_more(subject: Subject) -> None:
    request = authorize("tok_approve")
    first = subject.gateway.submit(request)

    second = subject.gateway.submit(replace(request, amount_minor=1300))

    assert second.outcome is Outcome.UNKNOWN
    assert subject.gateway.query(request.operation_id) == first
    assert subject.moved_minor(request.payment_id, "authorize") == 1299
