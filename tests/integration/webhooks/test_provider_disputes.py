"""Disputes that providers tell us of are recorded once, in any order, and only about money we took."""

import uuid

import pytest

from core.orders.domain.checkout_state import CaptureMethod
from tests.integration.webhooks.purchase import Purchase
from tests.provider_events import dispute_event
from tests.storefront import events_of


def test_a_dispute_is_recorded_from_its_opening_to_its_end_and_once(voice):
    payment = Purchase(CaptureMethod.AUTOMATIC).captured()
    dispute_id = uuid.uuid4().hex
    opened, won = (dispute_event(payment, status, dispute_id=dispute_id) for status in ("opened", "won"))

    for told in (opened, opened, won, won):
        assert voice.send(told).status_code == 200

    assert (voice.outcome(opened), voice.outcome(won)) == ("applied", "applied")
    assert events_of(str(payment.order_id))[-2:] == ["dispute.opened", "dispute.won"]


def test_the_end_of_a_dispute_may_come_before_its_opening(voice):
    payment = Purchase(CaptureMethod.AUTOMATIC).captured()
    dispute_id = uuid.uuid4().hex
    opened, lost = (dispute_event(payment, status, dispute_id=dispute_id) for status in ("opened", "lost"))

    for told in (lost, opened):
        assert voice.send(told).status_code == 200

    assert (voice.outcome(lost), voice.outcome(opened)) == ("applied", "unchanged")
    payment.refresh_from_db()
    assert payment.disputed_minor == 1_000


@pytest.mark.parametrize(
    ("changed", "outcome"),
    [
        ({"amount_minor": 1_001}, "mismatch"),
        ({"currency": "EUR"}, "mismatch"),
        ({"payment_id": "0199aaaa-0000-7000-8000-000000000000"}, "unmatched"),
    ],
    ids=["amount", "currency", "payment"],
)
def test_a_dispute_about_money_we_did_not_take_records_nothing(voice, changed, outcome):
    payment = Purchase(CaptureMethod.AUTOMATIC).captured()
    told = dispute_event(payment, "opened", dispute_id=uuid.uuid4().hex, **changed)

    assert (voice.send(told).status_code, voice.outcome(told)) == (200, outcome)

    payment.refresh_from_db()
    assert payment.disputed_minor == 0
