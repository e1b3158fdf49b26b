"""What merchants are told: exactly what the allow-list names, of events that exist."""

import dataclasses
import json
import uuid

import core.orders.events
import core.payments.events  # noqa: F401
from core.webhooks.domain.delivery_state import delay_after
from core.webhooks.domain.merchant_events import FIELDS, body_of
from outbox.events import registry

EVENT = {
    "order_id": "o", "seq": 3, "user_id": "u", "currency": "GBP", "total_minor": 7, "fulfilment_status": "confirmed",
    "payment_status": "paid", "occurred_at": "2026-11-21T12:00:00.000000Z", "email": "never@example.org",
}  # fmt: skip


def test_every_type_is_one_that_is_published_and_every_field_is_one_it_has():
    for event_type, fields in FIELDS.items():
        published = {field.name for field in dataclasses.fields(registry[event_type].event_class)}
        assert set(fields) <= published, event_type


def test_nothing_of_the_books_or_the_provider_is_told():
    told = {field for fields in FIELDS.values() for field in fields}

    assert told.isdisjoint({"postings", "provider_ref", "region", "bucket", "email", "token"})


def test_a_body_has_the_event_and_only_the_fields_of_the_list():
    event_id = uuid.UUID(int=5)

    body = body_of(event_id=event_id, event_type="orders.order.paid.v1", event=EVENT)

    assert json.loads(body) == {
        "id": "00000000-0000-0000-0000-000000000005",
        "type": "orders.order.paid.v1",
        "created_at": "2026-11-21T12:00:00.000000Z",
        "data": {name: value for name, value in EVENT.items() if name != "email"},
    }
    assert body == body_of(event_id=event_id, event_type="orders.order.paid.v1", event=dict(reversed(EVENT.items())))


def test_the_delays_are_used_in_their_order_and_then_no_more():
    assert [delay_after(failures, [5, 30]) for failures in (1, 2, 3)] == [5, 30, None]
