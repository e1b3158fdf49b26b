"""emit: stored with the caller's transaction or not at all, published after it, announced once."""

import json
import select
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import structlog
from django.db import IntegrityError, connection, transaction

from outbox import errors
from outbox.doorbell import CHANNEL
from outbox.events import event
from outbox.lanes import partition_of
from outbox.models import OutboxEvent
from outbox.publishing import PAYLOAD_BYTES_MAX, Outgoing, emit, emit_many, event_id_of
from outbox.topics import partitions_of
from tests.integration.outbox.scratch import TOPIC, AppOutbox, Observer, header, insert, new_keys


@event("catalog.product.publishing_tested.v1", aggregate_type=TOPIC)
@dataclass(frozen=True, slots=True)
class PublishingTested:
    product_id: uuid.UUID
    number: int


@event("orders.order.publishing_tested.v1", aggregate_type="orders.order")
@dataclass(frozen=True, slots=True)
class OrderTested:
    number: int


def sample(key: str, number: int = 1) -> PublishingTested:
    return PublishingTested(product_id=uuid.UUID(key), number=number)


def stored(key: str) -> list[int]:
    return list(OutboxEvent.objects.filter(agg_key=key).order_by("id").values_list("agg_seq", flat=True))


@pytest.fixture
def bell(app_outbox: AppOutbox) -> Iterator[Any]:
    """A session that hears the doorbell."""
    listening = app_outbox.connect()
    listening.autocommit = True
    listening.cursor().execute(f"LISTEN {CHANNEL}")
    yield listening
    listening.close()


def rings(listening: Any, seconds: float, *, by: int) -> int:
    """How often the bell was rung by this backend within so many seconds."""
    while select.select([listening], [], [], seconds)[0]:
        listening.poll()
    return sum(notify.pid == by for notify in listening.notifies)


def test_what_was_committed_arrives_as_it_was_emitted(app_outbox: AppOutbox, observer: Observer) -> None:
    (key,) = new_keys(1)
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    with transaction.atomic(), structlog.contextvars.bound_contextvars(traceparent=trace):
        emit(TOPIC, key, 1, sample(key))
        emit(TOPIC, uuid.UUID(key), 2, sample(key), payload=b"\x00 any bytes \xff")

    observer.wait_for({key: 2})
    first, second = (message for message in observer.messages if message.key() == key.encode())
    assert json.loads(first.value()) == {"number": 1, "product_id": key}
    assert second.value() == b"\x00 any bytes \xff"
    assert header(first, "ce_type") == "catalog.product.publishing_tested.v1"
    assert header(first, "ce_id") == str(event_id_of(key, 1))
    assert header(first, "traceparent") == trace
    assert first.partition() == second.partition() == partition_of(key, partitions_of(TOPIC))


class Refused(Exception):
    pass


@transaction.atomic
def emit_and_fail(key: str, seq: int) -> None:
    emit(TOPIC, key, seq, sample(key))
    raise Refused


@transaction.atomic
def insert_too_much(key: str) -> None:
    with connection.cursor() as cursor:
        insert(cursor, key, 1, payload=b"x" * (PAYLOAD_BYTES_MAX + 1))


def test_rolled_back_events_are_not_stored(app_outbox: AppOutbox) -> None:
    gone, kept = new_keys(2)

    with pytest.raises(Refused):
        emit_and_fail(gone, 1)
    with transaction.atomic():
        emit(TOPIC, kept, 1, sample(kept))
        with pytest.raises(Refused):
            emit_and_fail(kept, 2)

    assert stored(gone) == []
    assert stored(kept) == [1]


def test_outside_a_transaction_it_refuses(app_outbox: AppOutbox) -> None:
    (key,) = new_keys(1)

    with pytest.raises(errors.OutsideTransaction):
        emit(TOPIC, key, 1, sample(key))

    assert stored(key) == []


def test_a_batch_is_stored_in_its_order_in_few_statements(
    app_outbox: AppOutbox, django_assert_num_queries: Any
) -> None:
    (key,) = new_keys(1)

    with transaction.atomic(), django_assert_num_queries(2):
        emit_many([Outgoing(TOPIC, key, seq, sample(key, seq)) for seq in range(1, 701)])

    assert stored(key) == list(range(1, 701))


@pytest.mark.parametrize(
    ("error", "aggregate_type", "key", "seq", "body", "payload"),
    [
        (errors.PayloadTooLarge, TOPIC, None, 1, None, b"x" * (PAYLOAD_BYTES_MAX + 1)),
        (errors.UnknownAggregateType, "catalog.nothing", None, 1, None, None),
        (errors.WrongAggregateType, TOPIC, None, 1, OrderTested(1), None),
        (errors.UnregisteredEvent, TOPIC, None, 1, object(), None),
        (errors.InvalidKey, TOPIC, "not-a-uuid", 1, None, None),
        (errors.InvalidSequence, TOPIC, None, 0, None, None),
        (errors.InvalidSequence, TOPIC, None, True, None, None),
    ],
)
def test_what_could_not_be_published_is_refused_and_nothing_is_stored(
    app_outbox: AppOutbox,
    error: type[Exception],
    aggregate_type: str,
    key: str | None,
    seq: int,
    body: object,
    payload: bytes | None,
) -> None:
    good = new_keys(1)[0]

    with transaction.atomic(), pytest.raises(error):
        emit_many(
            [
                Outgoing(TOPIC, good, 1, sample(good)),
                Outgoing(aggregate_type, key or good, seq, body or sample(good), payload),
            ]
        )

    assert stored(good) == []


def test_the_table_refuses_what_the_code_would_refuse(app_outbox: AppOutbox) -> None:
    (key,) = new_keys(1)

    with pytest.raises(IntegrityError):
        insert_too_much(key)

    assert stored(key) == []


def test_the_bell_rings_once_a_transaction_and_after_the_commit(app_outbox: AppOutbox, bell: Any) -> None:
    keys = new_keys(3)
    connection.ensure_connection()
    backend = connection.connection.get_backend_pid()

    with transaction.atomic():
        for key in keys:
            emit(TOPIC, key, 1, sample(key))
        assert rings(bell, 0.3, by=backend) == 0

    assert rings(bell, 0.5, by=backend) == 1


def test_a_rolled_back_savepoint_does_not_take_the_bell_along(app_outbox: AppOutbox, bell: Any) -> None:
    gone, kept = new_keys(2)
    connection.ensure_connection()
    backend = connection.connection.get_backend_pid()

    with transaction.atomic():
        savepoint = transaction.savepoint()
        emit(TOPIC, gone, 1, sample(gone))
        transaction.savepoint_rollback(savepoint)
        emit(TOPIC, kept, 1, sample(kept))

    assert rings(bell, 0.5, by=backend) == 1


def test_the_application_role_cannot_change_the_tables(app_outbox: AppOutbox) -> None:
    with pytest.raises(Exception, match="must be owner"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DROP TABLE outbox_event_default")
    with connection.cursor() as cursor:
        cursor.execute("SELECT outbox_ensure_partitions(3)")
        assert cursor.fetchone() == (0,)
