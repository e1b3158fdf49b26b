"""A message that Kafka refuses parks its key; the other keys go on, and unparking restores the order."""

import threading
import uuid

import pytest
from confluent_kafka.admin import NewTopic
from pytest_django.fixtures import Settings

from outbox import broker
from outbox.lanes import lane_of
from outbox.relay.cursor import Cursor
from outbox.relay.parking import Parking
from outbox.relay.session import Session
from outbox.relay.standby import StandbyGate
from outbox.topics import physical_name
from tests.integration.outbox.scratch import Observer, RunningRelay, Scratch, first_times, insert, new_keys
from tests.waiting import eventually


@pytest.fixture
def missing_topic(settings: Settings) -> str:
    """An aggregate type whose topic nobody has made."""
    name = f"catalog.missing_{uuid.uuid4().hex[:8]}"
    settings.OUTBOX = {**settings.OUTBOX, "TOPICS": {**settings.OUTBOX["TOPICS"], name: 1}}
    return name


def test_only_the_refused_key_parks_and_unparking_restores_the_order(
    scratch: Scratch, missing_topic: str, observer: Observer
) -> None:
    refused, good = new_keys(2)
    relay = RunningRelay(scratch)
    try:
        connection = scratch.connect()
        for seq in range(1, 4):
            with connection, connection.cursor() as cursor:
                insert(cursor, refused, seq, topic=missing_topic)
                insert(cursor, good, seq)
        connection.close()

        eventually(lambda: scratch.rows("SELECT agg_key FROM outbox_parked") == [(refused,)], seconds_max=30)
        observer.wait_for({good: 3})
        # Messages that shared a page with the refused one may have come twice, never out of order.
        assert first_times(observer.sequences(good)) == [1, 2, 3]

        client = broker.admin()
        client.create_topics([NewTopic(physical_name(missing_topic), 1, 1)])[physical_name(missing_topic)].result()
        late = Observer(missing_topic)
        scratch.rows("UPDATE outbox_parked SET unpark_requested_at = clock_timestamp()")
        eventually(lambda: scratch.rows("SELECT count(*) FROM outbox_parked") == [(0,)], seconds_max=30)
        with scratch.connect() as after, after.cursor() as cursor:
            insert(cursor, refused, 4, topic=missing_topic)
        late.wait_for({refused: 4})
    finally:
        relay.stop()
    assert late.sequences(refused) == [1, 2, 3, 4]
    late.close()


def test_a_replay_gives_what_the_cursor_has_passed_and_no_more(scratch: Scratch) -> None:
    key, other = new_keys(2)
    scratch.publish((key, 1), (other, 1), (key, 2))
    ((snap,),) = scratch.rows("SELECT pg_current_snapshot()::text")
    scratch.publish((key, 3), (key, 4))
    ((window,),) = scratch.rows("SELECT pg_current_snapshot()::text")
    ids = dict(scratch.rows("SELECT agg_seq, id FROM outbox_event WHERE agg_key = %s", key))
    scratch.rows("INSERT INTO outbox_parked (agg_key, first_id, reason) VALUES (%s, %s, 'TEST')", key, ids[2])
    session = Session(uuid.uuid4(), using=scratch.schema)
    parking = Parking(session)
    parking.load(lanes={lane_of(key)})

    passed = parking.passed_rows(key, Cursor(snap, window, ids[3]))
    session.close()

    assert [row.seq for row in passed] == [2, 3]


def test_the_gate_opens_only_when_the_standby_has_it(scratch: Scratch) -> None:
    session, stop = Session(uuid.uuid4(), using=scratch.schema), threading.Event()
    if session.rows("SHOW synchronous_standby_names") == [("",)]:
        pytest.skip("this stack runs without a synchronous standby")
    gate, waits = StandbyGate(session, stop), []

    def give_up() -> None:
        waits.append(1)
        if len(waits) == 5:
            stop.set()

    ((flushed,),) = session.rows("SELECT pg_current_wal_flush_lsn()::text")
    assert gate.passes("1:1:", flushed, between=lambda: None)
    assert not gate.passes("2:2:", "FFFFFFFF/0", between=give_up)
    assert len(waits) == 5
    # A window that has passed needs no second look.
    assert gate.passes("1:1:", "FFFFFFFF/0", between=give_up)
    session.close()
