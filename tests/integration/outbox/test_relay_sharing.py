"""Relays share the lanes; one that dies, freezes or was fenced can harm nobody."""

import uuid

import psycopg2
import pytest

from outbox.lanes import LANES, lane_of
from outbox.relay import cursor as cursors
from outbox.relay.cursor import Cursor
from outbox.relay.ownership import Holdings
from outbox.relay.session import Session
from tests.integration.outbox.scratch import (
    Observer,
    RunningRelay,
    Scratch,
    first_times,
    new_keys,
)
from tests.waiting import eventually


def hold(scratch: Scratch) -> tuple[Session, Holdings]:
    """A relay's session and lanes without the relay, to do with it what no healthy relay does."""
    instance_id = uuid.uuid4()
    session = Session(instance_id, using=scratch.schema)
    holdings = Holdings(session, instance_id)
    holdings.beat()
    holdings.take_free()
    return session, holdings


def test_two_relays_share_the_lanes_and_one_that_dies_is_replaced(scratch: Scratch, observer: Observer) -> None:
    keys = new_keys(64)
    first = RunningRelay(scratch)
    second = RunningRelay(scratch)
    try:
        eventually(lambda: (first.lanes(), second.lanes()) == (32, 32))
        for seq in range(1, 21):
            scratch.publish(*[(key, seq) for key in keys])
        observer.wait_for(dict.fromkeys(keys, 5))

        first.die()
        for seq in range(21, 31):
            scratch.publish(*[(key, seq) for key in keys])

        eventually(lambda: second.lanes() == LANES, seconds_max=5)
        observer.wait_for(dict.fromkeys(keys, 30))
        assert second.relay.published > 0
    finally:
        first.stop()
        second.stop()
    for key in keys:
        assert first_times(observer.sequences(key)) == list(range(1, 31))


def test_a_relay_that_stops_leaves_its_lanes_to_the_other(scratch: Scratch, observer: Observer) -> None:
    keys = new_keys(32)
    first, second = RunningRelay(scratch), RunningRelay(scratch)
    try:
        eventually(lambda: (first.lanes(), second.lanes()) == (32, 32))
        scratch.publish(*[(key, 1) for key in keys])
        observer.wait_for(dict.fromkeys(keys, 1))

        first.stop()
        scratch.publish(*[(key, 2) for key in keys])
        observer.wait_for(dict.fromkeys(keys, 2))
    finally:
        first.stop()
        second.stop()

    observer.read(0.5)
    for key in keys:
        # An orderly stop stores its cursors, so nothing at all comes twice.
        assert observer.sequences(key) == [1, 2]


def test_a_frozen_relay_is_ended_and_its_lanes_are_taken(scratch: Scratch, observer: Observer) -> None:
    (key,) = new_keys(1)
    frozen, holdings = hold(scratch)
    assert len(holdings.lanes) == LANES
    scratch.rows("UPDATE outbox_relay_instance SET heartbeat_at = heartbeat_at - interval '6 seconds'")

    relay = RunningRelay(scratch)
    try:
        eventually(lambda: relay.lanes() == LANES, seconds_max=5)
        scratch.publish((key, 1))
        observer.wait_for({key: 1})
    finally:
        relay.stop()

    with pytest.raises(psycopg2.OperationalError):
        frozen.rows("SELECT 1")


def test_a_relay_with_a_fresh_heartbeat_is_left_alone(scratch: Scratch) -> None:
    quiet, holdings = hold(scratch)

    relay = RunningRelay(scratch)
    try:
        for _ in range(4):
            holdings.beat()
            eventually(lambda: relay.lanes() == 0)
    finally:
        relay.stop()

    assert quiet.rows("SELECT 1") == [(1,)]
    quiet.close()


def test_the_cursor_of_a_stale_epoch_is_dropped(scratch: Scratch) -> None:
    session, holdings = hold(scratch)
    zombie, other = holdings.lanes[7], holdings.lanes[8]
    scratch.rows("UPDATE outbox_lane SET epoch = epoch + 1 WHERE lane = 7")
    before = scratch.rows("SELECT snap, window_snap, after_id FROM outbox_lane WHERE lane = 7")

    zombie.acked = other.acked = Cursor("900:900:", "901:901:", 42)
    fenced = cursors.save(session, [zombie, other])
    holdings.fenced(fenced)

    assert [lane.number for lane in fenced] == [7]
    assert scratch.rows("SELECT snap, window_snap, after_id FROM outbox_lane WHERE lane = 7") == before
    assert scratch.rows("SELECT snap, window_snap, after_id FROM outbox_lane WHERE lane = 8") == [
        ("900:900:", "901:901:", 42)
    ]
    assert sorted(holdings.lanes) == [number for number in range(LANES) if number != 7]
    assert not zombie.is_held
    session.close()


def test_lanes_with_different_cursors_meet_again(scratch: Scratch, observer: Observer) -> None:
    keys = new_keys(40)
    scratch.publish(*[(key, seq) for seq in range(1, 11) for key in keys])
    # As if one lane had been left in the middle of a window by another relay.
    lane = lane_of(keys[0])
    ((third,),) = scratch.rows("SELECT id FROM outbox_event WHERE agg_key = %s AND agg_seq = 3", keys[0])
    scratch.rows(
        "UPDATE outbox_lane SET window_snap = pg_current_snapshot()::text, after_id = %s WHERE lane = %s", third, lane
    )

    relay = RunningRelay(scratch)
    try:
        observer.wait_for(dict.fromkeys(keys, 10))
        scratch.publish(*[(key, 11) for key in keys])
        observer.wait_for(dict.fromkeys(keys, 11))
    finally:
        relay.stop()

    assert first_times(observer.sequences(keys[0])) == list(range(4, 12))
    assert scratch.rows("SELECT count(DISTINCT snap) FROM outbox_lane") == [(1,)]
