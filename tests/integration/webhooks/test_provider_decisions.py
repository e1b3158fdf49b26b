"""What providers decide and tell us counts once, in any order with their answers."""

from concurrent.futures import ThreadPoolExecutor

from django.db import connection

from core.orders.domain.checkout_state import CaptureMethod
from core.payments.domain.operation_state import OperationKind
from core.webhooks.models import ProviderEvent
from core.webhooks.services import provider_effects
from tests import played_provider
from tests.integration.webhooks.purchase import Purchase
from tests.played_provider import UNKNOWN, answer, confirm, open_operation, submitted
from tests.provider_events import ProviderVoice, operation_event
from tests.storefront import events_of


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
