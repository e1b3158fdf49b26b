"""What providers tell us: once, in any order, signed, and never of what is not ours."""

import json
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from core.orders.domain.checkout_state import CaptureMethod
from core.payments.domain.operation_state import OperationKind
from core.payments.models import Payment, PaymentOperation
from core.webhooks.domain.signatures import HEADER, sign
from core.webhooks.models import ProviderEvent
from core.webhooks.services import provider_effects
from tests import played_provider
from tests.played_provider import UNKNOWN, answer, begin, card, confirm, open_operation, submitted
from tests.provider_events import SECRET, ProviderVoice, dispute_event, event, operation_event
from tests.storefront import Storefront, events_of, payments_of


class Purchase:
    """An order of 1000 on a card whose authorization the provider has not decided."""

    def __init__(self, capture_method: CaptureMethod = CaptureMethod.MANUAL) -> None:
        self.shop = Storefront()
        self.order_id = self.shop.order(self.shop.product(price_minor=1_000))
        begin(self.order_id, self.shop.user.id, card(), capture_method=capture_method)
        self.authorize = open_operation(self.payment(), OperationKind.AUTHORIZE)

    def payment(self) -> Payment:
        (payment,) = payments_of(self.order_id)
        return payment

    def captured(self) -> Payment:
        confirm(self.authorize)
        confirm(open_operation(self.payment(), OperationKind.CAPTURE))
        return self.payment()

    def state(self) -> str:
        self.authorize.refresh_from_db()
        return self.authorize.state


@pytest.fixture
def purchase(voice: ProviderVoice) -> Purchase:
    return Purchase()


def test_a_decision_told_by_webhook_is_recorded(voice, purchase):
    told = operation_event(purchase.authorize)

    answered = voice.send(told)

    assert (answered.status_code, voice.outcome(told)) == (200, "applied")
    assert (purchase.state(), purchase.payment().state) == ("succeeded", "authorized")


def test_a_decline_told_by_webhook_is_recorded(voice, purchase):
    voice.send(operation_event(purchase.authorize, "declined"))

    assert (purchase.state(), purchase.payment().state) == ("declined", "failed")
    assert purchase.shop.read(purchase.order_id)["fulfilment_status"] == "draft"


def test_the_same_event_again_changes_nothing(voice, purchase):
    told = operation_event(purchase.authorize)
    statuses = [voice.send(told).status_code]
    before = purchase.payment().seq

    statuses += [voice.send(told).status_code for _ in range(3)]

    assert statuses == [200] * 4
    assert purchase.payment().seq == before
    assert ProviderEvent.objects.filter(event_id=told["id"]).count() == 1


def test_the_same_decision_under_another_event_id_changes_nothing(voice, purchase):
    voice.send(operation_event(purchase.authorize))
    again = operation_event(purchase.authorize)
    before = purchase.payment().seq

    voice.send(again)

    assert (voice.outcome(again), purchase.payment().seq) == ("unchanged", before)


def test_a_contrary_decision_afterwards_changes_nothing(voice, purchase):
    voice.send(operation_event(purchase.authorize))
    contrary = operation_event(purchase.authorize, "declined")

    voice.send(contrary)

    assert (voice.outcome(contrary), purchase.state()) == ("unchanged", "succeeded")


def test_one_event_on_eight_connections_at_once_counts_once(voice, purchase):
    told = operation_event(purchase.authorize, "declined")

    def send(_: int) -> int:
        try:
            return int(ProviderVoice().send(told).status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(send, range(8)))

    assert statuses == [200] * 8
    assert ProviderEvent.objects.filter(event_id=told["id"]).count() == 1
    assert events_of(purchase.order_id).count("payment.failed") == 1


def test_a_webhook_before_the_answer_is_recorded_and_the_answer_changes_nothing(voice, purchase):
    submitted(purchase.authorize)
    voice.send(operation_event(purchase.authorize))
    before = purchase.payment().seq

    assert confirm(purchase.authorize) is False

    assert (purchase.state(), purchase.payment().seq) == ("succeeded", before)


def test_after_a_lost_answer_the_webhook_settles_it_and_the_janitor_changes_nothing(voice, purchase):
    submitted(purchase.authorize)
    answer(purchase.authorize, UNKNOWN)
    assert (purchase.state(), purchase.payment().state) == ("unknown", "unknown")

    voice.send(operation_event(purchase.authorize))

    assert (purchase.state(), purchase.payment().state) == ("succeeded", "authorized")
    assert [confirm(purchase.authorize), answer(purchase.authorize, UNKNOWN)] == [False, False]
    assert events_of(purchase.order_id) == ["payment.created", "attempt.unknown", "payment.authorized"]


def test_a_webhook_and_the_answer_at_the_same_moment_count_once(voice):
    for _ in range(10):
        purchase = Purchase()

        def tell(purchase: Purchase = purchase) -> object:
            try:
                return ProviderVoice().send(operation_event(purchase.authorize, "declined")).status_code
            finally:
                connection.close()

        def record(purchase: Purchase = purchase) -> object:
            try:
                return played_provider.decline(purchase.authorize)
            finally:
                connection.close()

        with ThreadPoolExecutor(2) as pool:
            told, recorded = pool.submit(tell), pool.submit(record)
            assert told.result() == 200
            assert recorded.result() in (True, False)
        assert events_of(purchase.order_id) == ["payment.created", "payment.failed"]


def test_the_whole_purchase_can_be_told_by_webhooks_alone(voice):
    purchase = Purchase(CaptureMethod.AUTOMATIC)
    with played_provider.parked():
        voice.send(operation_event(purchase.authorize))
    capture = open_operation(purchase.payment(), OperationKind.CAPTURE)

    voice.send(operation_event(capture))

    assert purchase.shop.read(purchase.order_id)["payment_status"] == "paid"


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


def test_an_event_whose_effect_failed_is_not_kept_and_counts_when_it_comes_again(voice, purchase, monkeypatch):
    told = operation_event(purchase.authorize)

    def break_after_the_effect(notice):
        provider_effects.record_operation(notice)
        raise RuntimeError("just before the commit")

    with monkeypatch.context() as broken:
        broken.setitem(provider_effects.EFFECTS, "operation.succeeded", break_after_the_effect)
        assert voice.send(told).status_code == 500
    assert (voice.outcome(told), purchase.state()) == (None, "requested")

    assert voice.send(told).status_code == 200

    assert (voice.outcome(told), purchase.state()) == ("applied", "succeeded")


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


def test_the_header_has_the_name_that_providers_were_told():
    assert HEADER == "Webhook-Signature"
