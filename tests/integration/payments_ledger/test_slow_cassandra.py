"""The sink behind a Cassandra that is slow, stalls or goes: bounded, nothing lost, nobody parked who is not poison."""

import threading
import time
import uuid
from datetime import timedelta
from uuid import UUID

import pytest
from confluent_kafka import Producer
from django.conf import settings as live

from core.payments.selectors.payments import recorded_seqs
from outbox import broker
from outbox.consuming import ConsumerLoop
from outbox.lanes import partition_of
from outbox.models import ConsumerGuard, ConsumerOffset, ConsumerParked, DeadLetter
from outbox.topics import partitions_of, physical_name
from payments_ledger import cluster, session, writing
from payments_ledger.reconciliation.verify import verify
from payments_ledger.sink import LedgerProjection
from tests.factories.ledger_events import canonical, day_of, fields, history_of_payment, insert_history, own_noon
from tests.fakes.cql_proxy import Proxy
from tests.waiting import eventually

# A topic that the run's own ledger does not read.
TOPIC = "catalog.product"
PAYMENTS = 150
EVENTS_EACH = 3


@pytest.fixture
def proxy(settings, monkeypatch):
    """A relay in front of Cassandra, through which this process's session goes; a stalled request fails after 1 s."""
    monkeypatch.setattr(cluster, "BULK_TIMEOUT_SECONDS", 1.0)
    made = Proxy(("127.0.0.1", live.LEDGER["PORT"]))
    settings.LEDGER = {**live.LEDGER, "PORT": made.port}
    session.close()
    made.mend()
    yield made
    session.close()
    made.cut()


class Counting(LedgerProjection):
    """The real sink, for the payments of one test; remembers what it was given and how often it failed."""

    def __init__(self):
        super().__init__()
        self.keys, self.batches, self.failures = set(), [], 0

    def project(self, batch):
        ours = self._ours(batch)
        if not ours:
            return
        self.batches.append(len(ours))
        try:
            super().project(ours)
        except Exception:
            self.failures += 1
            raise

    def record(self, batch):
        super().record(self._ours(batch))

    def _ours(self, batch):
        # The group is new and reads the whole topic, in which other tests' messages are.
        return [message for message in batch if message.key in self.keys]


@pytest.fixture
def sink(proxy):
    """A consumer of its own group with the real projection."""
    group, stop, projection = f"test-{uuid.uuid4().hex[:8]}", threading.Event(), Counting()
    loop = ConsumerLoop(group, [TOPIC], projection, stop)
    thread = threading.Thread(target=loop.run, name="sink under test")
    projection.group, projection.start = group, thread.start
    yield projection
    proxy.flow()
    stop.set()
    thread.join(20)
    assert not thread.is_alive()
    for model in (ConsumerParked, DeadLetter, ConsumerOffset, ConsumerGuard):
        model.objects.filter(group_id=group).delete()


@pytest.fixture
def bodies():
    noon = own_noon()
    made = [
        body
        for number in range(PAYMENTS)
        for body in history_of_payment(events=EVENTS_EACH, booked_at=noon + timedelta(seconds=10 * number))
    ]
    insert_history(made)
    return made


def send(bodies):
    producer = Producer(broker.client_settings())
    for body in bodies:
        key = body["payment_id"]
        headers = [
            ("ce_id", body["event_id"]),
            ("ce_type", "payments.payment.captured.v1"),
            ("agg_seq", str(body["seq"])),
        ]
        place = partition_of(key, partitions_of(TOPIC))
        producer.produce(physical_name(TOPIC), canonical(body), key, place, headers=headers)
    producer.flush(20)


def start(sink, bodies):
    sink.keys.update(body["payment_id"] for body in bodies)
    sink.start()


def all_recorded(bodies):
    payments = {UUID(body["payment_id"]) for body in bodies}
    return lambda: (
        set(recorded_seqs(payments).values()) == {EVENTS_EACH} and len(recorded_seqs(payments)) == len(payments)
    )


def assert_both_stores_agree(bodies):
    day = day_of(bodies[0])
    report = verify(first_day=day, last_day=day)
    assert report.agrees, report.differences


def test_a_stalled_cassandra_is_given_no_more_than_its_window_and_then_everything(proxy, sink, bodies):
    session.ping()
    proxy.stall()
    send(bodies)
    before = len(proxy.requests)
    start(sink, bodies)

    # Several attempts, each of which waits for its own time-out.
    eventually(lambda: sink.failures >= 3, what="the sink has failed three times")
    sent, attempts, given = len(proxy.requests) - before, len(sink.batches), max(sink.batches)
    recorded_meanwhile = recorded_seqs({UUID(body["payment_id"]) for body in bodies})
    proxy.flow()
    eventually(all_recorded(bodies), seconds_max=60, what="all is recorded")

    assert sent <= attempts * writing.REQUESTS_IN_FLIGHT_MAX
    assert given <= 1000
    assert recorded_meanwhile == {}
    assert not DeadLetter.objects.filter(group_id=sink.group, agg_key__in=sink.keys).exists()
    assert_both_stores_agree(bodies)


def test_a_cassandra_that_goes_in_the_middle_is_waited_for(proxy, sink, bodies):
    send(bodies)
    start(sink, bodies)
    eventually(lambda: sink.batches, what="the sink has begun")
    proxy.cut()
    time.sleep(2)
    proxy.mend()

    eventually(all_recorded(bodies), seconds_max=60, what="all is recorded")

    assert not DeadLetter.objects.filter(group_id=sink.group, agg_key__in=sink.keys).exists()
    assert_both_stores_agree(bodies)


def test_poison_is_parked_alone_and_its_partition_goes_on(proxy, sink, bodies):
    (poisoned,) = history_of_payment(events=1, booked_at=own_noon())
    poison = {**fields(booked_at=own_noon()), **poisoned, "amount_minor": 1.5}
    # Its neighbours: the same partition, before it and behind it.
    place = partition_of(poison["payment_id"], partitions_of(TOPIC))
    neighbours = [body for body in bodies if partition_of(body["payment_id"], partitions_of(TOPIC)) == place]
    assert len(neighbours) > EVENTS_EACH

    half = len(bodies) // 2
    send([*bodies[:half], poison, *bodies[half:]])
    start(sink, [*bodies, poison])

    eventually(all_recorded(bodies), seconds_max=60, what="all others are recorded")
    parked = eventually(lambda: ConsumerParked.objects.filter(group_id=sink.group).first(), what="poison is parked")
    assert (parked.agg_key, parked.first_seq) == (poison["payment_id"], 1)
    assert parked.reason.startswith("FieldInvalid")
    assert ConsumerParked.objects.filter(group_id=sink.group).count() == 1
    assert_both_stores_agree(bodies)
