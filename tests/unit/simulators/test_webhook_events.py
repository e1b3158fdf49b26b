"""What a webhook says and how it is signed."""

import json

import pytest

from simulators.operation_log import Record
from simulators.webhook_events import event_of, signature

OPERATION: Record = {
    "n": 3, "type": "operation", "operation_id": "o", "payment_id": "p", "kind": "capture", "amount_minor": 700,
    "currency": "GBP", "token": "tok_approve", "status": "succeeded", "decline_code": "", "provider_ref": "r",
    "moved_minor": 700, "fee_minor": 30, "at": "2026-11-21T10:00:00.000000+00:00",
}  # fmt: skip
DISPUTE: Record = {
    "n": 4, "type": "dispute", "event": "opened", "dispute_id": "d", "payment_id": "p", "amount_minor": 300,
    "currency": "GBP", "token": "tok_approve", "reason": "fraudulent", "status": "open", "provider_ref": "r",
    "fee_minor": 1500, "at": "2026-11-21T10:00:00.000000+00:00",
}  # fmt: skip


def test_event_of_an_operation_carries_its_answer_and_nothing_of_the_log() -> None:
    event = event_of(OPERATION)

    assert event is not None
    assert json.loads(event.body) == {
        "id": event.event_id,
        "type": "operation.succeeded",
        "created_at": "2026-11-21T10:00:00.000000+00:00",
        "data": {
            "operation_id": "o", "payment_id": "p", "kind": "capture", "amount_minor": 700, "currency": "GBP",
            "status": "succeeded", "provider_ref": "r", "decline_code": "",
        },
    }  # fmt: skip


def test_event_of_a_dispute_says_how_it_stands() -> None:
    event = event_of(DISPUTE)

    assert event is not None
    content = json.loads(event.body)
    assert (content["type"], content["data"]) == (
        "dispute.opened",
        {
            "dispute_id": "d", "payment_id": "p", "amount_minor": 300, "currency": "GBP", "reason": "fraudulent",
            "status": "open",
        },
    )  # fmt: skip


def test_same_record_gives_the_same_bytes_and_another_status_another_id() -> None:
    ended = {**DISPUTE, "event": "won", "status": "won"}

    first, again, other = event_of(DISPUTE), event_of(dict(DISPUTE)), event_of(ended)

    assert first == again
    assert first is not None
    assert other is not None
    assert first.event_id != other.event_id
    assert first.event_id.startswith("evt_")


@pytest.mark.parametrize("change", [{"type": "pending"}, {"type": "noted"}, {"type": "webhook"}, {"kind": "charge"}])
def test_other_records_are_not_told(change: Record) -> None:
    assert event_of(OPERATION | change) is None


def test_signature_is_that_of_time_and_bytes() -> None:
    # echo -n '1700000000.{"id":"evt_1"}' | openssl dgst -sha256 -hmac secret
    assert signature(body=b'{"id":"evt_1"}', secret="secret", at_seconds=1_700_000_000) == (
        "t=1700000000,v1=af784f27423c462e20039559cd4264140f7b7ed4c9090e26fd663faa5eeb8dda"
    )
