"""Deliveries to merchants' endpoints: made once, sent until they are taken, logged, and sent again when asked."""

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction

from core.clock import now
from core.errors import NotFound
from core.ids import new_id
from core.webhooks.domain.delivery_state import DeliveryState
from core.webhooks.domain.signatures import HEADER, verify
from core.webhooks.errors import DeliveryCanceled, EndpointUrlRefused
from core.webhooks.gateways.sender import Answer
from core.webhooks.models import WebhookDelivery, WebhookEndpoint
from core.webhooks.services import deliveries, endpoints
from core.webhooks.services.outgoing import PublishedEvent, enqueue
from tests.receiver import Receiver, receiving

PAID = "orders.order.paid.v1"
TOOK = Answer(status=204, error="", body=b"", duration_ms=3)
FAILED = Answer(status=503, error="", body=b"later", duration_ms=3)


@pytest.fixture
def endpoint():
    """An endpoint the workers leave alone: it is enabled only inside a test's transaction, or by the test itself."""
    made = endpoints.create(url="http://127.0.0.1:9/in", event_types=[PAID])
    WebhookEndpoint.objects.filter(pk=made.id).update(is_enabled=False)
    yield made
    WebhookDelivery.objects.filter(endpoint=made, state=DeliveryState.PENDING).update(state=DeliveryState.CANCELED)


def paid(*, occurred_at: datetime | None = None, event_id: uuid.UUID | None = None) -> PublishedEvent:
    order_id = uuid.uuid4()
    body = {
        "order_id": str(order_id), "seq": 2, "user_id": str(uuid.uuid4()), "currency": "GBP", "total_minor": 500,
        "fulfilment_status": "confirmed", "payment_status": "paid", "name_of_the_user": "never",
        "occurred_at": (occurred_at or datetime.now(UTC)).isoformat(timespec="microseconds"),
    }  # fmt: skip
    return PublishedEvent(event_id=event_id or uuid.uuid4(), type=PAID, body=json.dumps(body).encode())


def enqueued(endpoint: WebhookEndpoint, *events: PublishedEvent) -> list[WebhookDelivery]:
    """Deliver as the consumer does while this endpoint is enabled; the workers never see it enabled."""
    with transaction.atomic():
        WebhookEndpoint.objects.filter(pk=endpoint.id).update(is_enabled=True)
        enqueue(events)
        WebhookEndpoint.objects.filter(pk=endpoint.id).update(is_enabled=False)
    return list(WebhookDelivery.objects.filter(endpoint=endpoint).order_by("created_at"))


def recorded(delivery: WebhookDelivery, *answers: Answer) -> WebhookDelivery:
    for answer in answers:
        delivery.attempts += 1
        delivery.save(update_fields=["attempts"])
        deliveries.record(delivery_id=delivery.id, number=delivery.attempts, answer=answer)
        delivery.refresh_from_db()
    return delivery


def test_an_event_is_delivered_once_however_often_it_is_read(endpoint):
    event = paid()

    enqueued(endpoint, event, event)
    (delivery,) = enqueued(endpoint, event)

    assert (delivery.event_id, delivery.event_type, delivery.state) == (event.event_id, PAID, "pending")


def test_only_the_types_it_asked_for_and_only_what_happened_since_it_exists(endpoint):
    other = PublishedEvent(event_id=uuid.uuid4(), type="orders.order.placed.v1", body=paid().body)
    secret_type = PublishedEvent(event_id=uuid.uuid4(), type="payments.operation.requested.v1", body=b"{}")
    imported = paid(occurred_at=datetime(2011, 1, 4, tzinfo=UTC))
    event = paid()

    (delivery,) = enqueued(endpoint, other, secret_type, imported, event)

    assert delivery.event_id == event.event_id


def test_what_is_sent_is_signed_and_holds_only_the_fields_of_the_list(endpoint):
    event = paid()
    (delivery,) = enqueued(endpoint, event)
    with receiving(Receiver()) as receiver:
        endpoint.url = delivery.endpoint.url = receiver.url
        delivery.attempts = 1
        deliveries.attempt(delivery)

    (request,) = receiver.requests
    verify(
        request.body, header=request.headers[HEADER], secrets=[endpoint.secret], now=int(datetime.now(UTC).timestamp())
    )
    document = json.loads(request.body)
    assert (document["id"], document["type"]) == (str(event.event_id), PAID)
    assert "name_of_the_user" not in document["data"]
    delivery.refresh_from_db()
    (attempt,) = delivery.log.all()
    assert (delivery.state, attempt.status, bytes(attempt.answer)) == ("succeeded", 200, b"thanks")


def test_failures_follow_the_schedule_and_then_nothing_more_is_sent(endpoint, settings):
    settings.WEBHOOK_RETRY_DELAYS_SECONDS = [100, 1_000]
    (delivery,) = enqueued(endpoint, paid())

    waits = []
    for _ in range(2):
        recorded(delivery, FAILED)
        waits.append(round((delivery.next_attempt_at - now()).total_seconds(), -1))
    recorded(delivery, FAILED)

    assert waits == [100, 1_000]
    assert (delivery.state, delivery.next_attempt_at, delivery.failures) == ("exhausted", None, 3)
    assert list(delivery.log.order_by("number").values_list("number", "status")) == [(1, 503), (2, 503), (3, 503)]


def test_a_delivery_that_is_taken_at_last_is_done(endpoint):
    (delivery,) = enqueued(endpoint, paid())

    recorded(delivery, FAILED, TOOK)

    assert (delivery.state, delivery.next_attempt_at) == ("succeeded", None)


def test_an_answer_that_comes_after_the_end_is_logged_and_changes_nothing(endpoint):
    (delivery,) = enqueued(endpoint, paid())

    recorded(delivery, TOOK, FAILED)

    assert (delivery.state, delivery.failures, delivery.log.count()) == ("succeeded", 0, 2)


def test_a_replay_begins_the_schedule_anew_with_the_same_body(endpoint, settings):
    settings.WEBHOOK_RETRY_DELAYS_SECONDS = []
    (delivery,) = enqueued(endpoint, paid())
    before = bytes(recorded(delivery, FAILED).body)
    assert delivery.state == "exhausted"

    replayed = deliveries.replay(delivery_id=delivery.id)

    assert (replayed.state, replayed.failures, replayed.attempts) == ("pending", 0, 1)
    assert bytes(replayed.body) == before
    assert recorded(replayed, TOOK).log.count() == 2


def test_deleting_an_endpoint_cancels_what_it_was_not_told_and_it_cannot_be_replayed(endpoint):
    (delivery,) = enqueued(endpoint, paid())

    endpoints.delete(endpoint_id=endpoint.id)

    delivery.refresh_from_db()
    assert delivery.state == "canceled"
    with pytest.raises(DeliveryCanceled):
        deliveries.replay(delivery_id=delivery.id)
    with pytest.raises(NotFound):
        endpoints.delete(endpoint_id=endpoint.id)


@pytest.mark.parametrize("url", ["https://127.0.0.1/", "https://metadata@example.com/", "http://example.com/"])
def test_an_endpoint_with_a_url_that_the_policy_forbids_cannot_be_made(url, settings):
    settings.WEBHOOK_SCHEMES, settings.WEBHOOK_PORTS = ["https"], [443]
    settings.WEBHOOK_ALLOW_PRIVATE_ADDRESSES = False
    before = WebhookEndpoint.objects.count()

    with pytest.raises(EndpointUrlRefused):
        endpoints.create(url=url, event_types=[PAID])

    assert WebhookEndpoint.objects.count() == before


def test_an_address_that_became_private_since_is_refused_at_the_attempt(endpoint, settings):
    settings.WEBHOOK_ALLOW_PRIVATE_ADDRESSES = False
    with receiving(Receiver()) as receiver:
        WebhookEndpoint.objects.filter(pk=endpoint.id).update(url=f"http://localhost:{receiver.port}/")
        (delivery,) = enqueued(endpoint, paid())
        delivery.attempts = 1
        deliveries.attempt(delivery)

    (attempt,) = delivery.log.all()
    assert "not on the public internet" in attempt.error
    assert receiver.requests == []


def test_two_claimers_never_get_the_same_delivery_and_one_endpoint_not_all_places(endpoint):
    enqueued(endpoint, *(paid() for _ in range(12)))
    other = endpoints.create(url="http://127.0.0.1:9/", event_types=[PAID])
    WebhookEndpoint.objects.filter(pk=endpoint.id).update(is_enabled=True)

    def claim(_: int) -> list[uuid.UUID]:
        try:
            return [claimed.id for claimed in deliveries.claim(owner=new_id(), limit=8)]
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(claim, range(2))
    WebhookEndpoint.objects.filter(pk=endpoint.id).update(is_enabled=False)
    endpoints.delete(endpoint_id=other.id)

    assert not set(first) & set(second)
    ours = set(WebhookDelivery.objects.filter(endpoint=endpoint).values_list("id", flat=True))
    assert max(len(set(first) & ours), len(set(second) & ours)) <= deliveries.PER_ENDPOINT_MAX


def test_a_delivery_whose_sender_was_killed_is_claimed_again_when_its_lease_has_run_out(endpoint):
    (delivery,) = enqueued(endpoint, paid())
    WebhookDelivery.objects.filter(pk=delivery.id).update(
        attempts=1, lease_owner=new_id(), lease_until=now() - timedelta(seconds=1)
    )
    with transaction.atomic():
        # The workers wait for these locks or skip them, and see it not enabled afterwards.
        WebhookEndpoint.objects.filter(pk=endpoint.id).update(is_enabled=True)
        claimed = [found.id for found in deliveries.claim(owner=new_id(), limit=100)]
        WebhookEndpoint.objects.filter(pk=endpoint.id).update(is_enabled=False)

    assert delivery.id in claimed
