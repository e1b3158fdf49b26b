"""Events of providers count only when they are signed, by a secret that is active and not long ago."""

import json
import time

import pytest

from core.webhooks.domain.signatures import HEADER, sign
from tests import played_provider
from tests.provider_events import SECRET, ProviderVoice, event, operation_event

FORGERIES = {
    "no signature": lambda body: "",
    "another secret": lambda body: sign(body, secrets=["guessed"], timestamp=int(time.time())),
    "of another body": lambda body: sign(body + b" ", secrets=[SECRET], timestamp=int(time.time())),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_an_event_that_is_not_signed_is_refused_and_not_kept(voice, purchase, forgery):
    told = operation_event(purchase.authorize)

    answered = voice.send(told, header=FORGERIES[forgery](json.dumps(told).encode()))

    assert (answered.status_code, answered.json()["code"]) == (401, "signature_invalid")
    assert answered["Content-Type"] == "application/problem+json"
    assert (voice.outcome(told), purchase.state()) == (None, "requested")


@pytest.mark.parametrize("age_seconds", [310, -310])
def test_an_event_signed_too_long_ago_or_in_the_future_is_refused(voice, purchase, age_seconds):
    told = operation_event(purchase.authorize)

    answered = voice.send(told, age_seconds=age_seconds)

    assert (answered.status_code, answered.json()["code"]) == (401, "signature_invalid")
    assert (voice.outcome(told), purchase.state()) == (None, "requested")


def test_json_written_again_does_not_pass_under_the_first_signature(voice, purchase):
    told = operation_event(purchase.authorize)
    header = sign(json.dumps(told).encode(), secrets=[SECRET], timestamp=int(time.time()))

    answered = voice.send_bytes(json.dumps(told, separators=(",", ":")).encode(), header=header)

    assert (answered.status_code, purchase.state()) == (401, "requested")


def test_both_of_two_active_secrets_pass_while_one_is_being_replaced(voice, settings):
    settings.GATEWAYS = {**settings.GATEWAYS, played_provider.NAME: {"WEBHOOK_SECRETS": ["whsec_new", SECRET]}}

    statuses = [ProviderVoice(secrets=[secret]).send(event("x.y", {})).status_code for secret in ("whsec_new", SECRET)]

    assert statuses == [200, 200]


def test_a_provider_nobody_knows_is_not_found():
    answered = ProviderVoice(provider="unheard-of").send(event("x.y", {}))

    assert (answered.status_code, answered.json()["code"]) == (404, "unknown_provider")


def test_the_header_has_the_name_that_providers_were_told():
    assert HEADER == "Webhook-Signature"
