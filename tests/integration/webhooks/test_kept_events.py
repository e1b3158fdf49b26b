"""Events about what we did not ask for, or that nobody reads, are kept as they came and record nothing."""

import json
import uuid

import pytest

from core.payments.models import PaymentOperation
from core.webhooks.models import ProviderEvent
from tests import played_provider
from tests.provider_events import event, operation_event


@pytest.mark.parametrize(
    "changed",
    [
        {"amount_minor": 999},
        {"currency": "EUR"},
        {"kind": "capture"},
        {"payment_id": "0199aaaa-0000-7000-8000-000000000000"},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_an_event_about_something_else_than_we_asked_for_is_kept_and_records_nothing(voice, purchase, changed):
    told = operation_event(purchase.authorize, **changed)

    answered = voice.send(told)

    assert (answered.status_code, voice.outcome(told)) == (200, "mismatch")
    assert (purchase.state(), purchase.payment().seq) == ("requested", 1)


def test_another_provider_cannot_decide_our_operation(voice, purchase):
    PaymentOperation.objects.filter(pk=purchase.authorize.id).update(gateway="elsewhere")
    told = operation_event(purchase.authorize)

    voice.send(told)

    assert (voice.outcome(told), purchase.state()) == ("mismatch", "requested")
    PaymentOperation.objects.filter(pk=purchase.authorize.id).update(gateway=played_provider.NAME)


def test_an_operation_we_never_asked_for_is_kept_as_unmatched(voice, purchase):
    told = operation_event(purchase.authorize, operation_id=str(uuid.uuid4()))

    assert (voice.send(told).status_code, voice.outcome(told)) == (200, "unmatched")


def test_an_event_nobody_reads_is_kept(voice):
    told = event("payout.paid", {"amount_minor": 5})

    assert (voice.send(told).status_code, voice.outcome(told)) == (200, "ignored")


def test_what_was_signed_is_kept_byte_for_byte(voice):
    body = (
        b'{ "id":"evt_%s",\n "type":"x.y", "created_at":"2026-01-01T00:00:00Z", "data":{} }' % uuid.uuid4().hex.encode()
    )

    assert voice.send_bytes(body).status_code == 200

    assert bytes(ProviderEvent.objects.get(event_id=json.loads(body)["id"]).body) == body
