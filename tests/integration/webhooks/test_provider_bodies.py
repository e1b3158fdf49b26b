"""Signed bodies that say nothing usable, contradict themselves or are too large are refused and not kept."""

import json

import pytest

from core.webhooks.models import ProviderEvent
from tests.provider_events import event, operation_event

MALFORMED = {
    "no JSON": (b"{", "parse_error"),
    "nothing": (b"", "parse_error"),
    "a list": (b"[]", "parse_error"),
    "a name twice": (b'{"id":"a","id":"b"}', "parse_error"),
    "no id": (json.dumps({**event("x.y", {}), "id": ""}).encode(), "invalid"),
    "an id that is a number": (json.dumps({**event("x.y", {}), "id": 7}).encode(), "invalid"),
    "no time": (json.dumps({**event("x.y", {}), "created_at": "yesterday"}).encode(), "invalid"),
    "data that is text": (json.dumps({**event("x.y", {}), "data": "x"}).encode(), "invalid"),
    "no operation": (json.dumps(event("operation.succeeded", {})).encode(), "event_unusable"),
    "no dispute": (json.dumps(event("dispute.opened", {})).encode(), "event_unusable"),
}


@pytest.mark.parametrize("malformed", MALFORMED)
def test_a_signed_body_that_says_nothing_usable_is_refused_and_not_kept(voice, malformed):
    body, code = MALFORMED[malformed]
    before = ProviderEvent.objects.count()

    answered = voice.send_bytes(body)

    assert (answered.status_code, answered.json()["code"]) == (400, code)
    assert ProviderEvent.objects.count() == before


@pytest.mark.parametrize(
    "changed",
    [
        {"status": "declined"},
        {"operation_id": "x"},
        {"provider_ref": ""},
        {"decline_code": "odd"},
        {"amount_minor": True},
    ],
    ids=str,
)
def test_a_decision_that_contradicts_itself_is_refused(voice, purchase, changed):
    told = operation_event(purchase.authorize)
    told["data"] |= changed

    answered = voice.send(told)

    assert (answered.status_code, answered.json()["code"]) == (400, "event_unusable")
    assert (voice.outcome(told), purchase.state()) == (None, "requested")


def test_a_body_too_large_or_of_another_type_is_refused(voice):
    large = voice.send_bytes(b'{"id": "' + b"x" * 300_000 + b'"}')
    form = voice.send_bytes(b"a=b", content_type="application/x-www-form-urlencoded")

    assert (large.status_code, large.json()["code"]) == (413, "body_too_large")
    assert (form.status_code, form.json()["code"]) == (415, "unsupported_media_type")
