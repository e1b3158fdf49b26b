"""In a database that is not the one the cursors were taken in, the relay goes back instead of skipping."""

from tests.integration.outbox.scratch import Observer, RunningRelay, Scratch, new_keys


def published_once(scratch: Scratch, observer: Observer, keys: list[str]) -> None:
    relay = RunningRelay(scratch)
    scratch.publish(*[(key, 1) for key in keys])
    observer.wait_for(dict.fromkeys(keys, 1))
    relay.stop()


def test_after_a_promotion_the_last_minutes_are_published_again(scratch: Scratch, observer: Observer) -> None:
    keys = new_keys(5)
    published_once(scratch, observer, keys)
    scratch.rows("UPDATE outbox_lane SET timeline = timeline - 1")

    relay = RunningRelay(scratch)
    scratch.publish(*[(key, 2) for key in keys])
    observer.wait_for(dict.fromkeys(keys, 2))
    relay.stop()

    for key in keys:
        assert observer.sequences(key) == [1, 1, 2]
    assert scratch.rows("SELECT count(DISTINCT timeline) FROM outbox_lane") == [(1,)]


def test_a_cursor_ahead_of_the_database_does_not_skip(scratch: Scratch, observer: Observer) -> None:
    keys = new_keys(5)
    published_once(scratch, observer, keys)
    # As after a restore: the cursors and the newest rows come from a cluster that had counted further.
    far = 10**12
    scratch.rows("UPDATE outbox_lane SET snap = %s, window_snap = NULL, after_id = NULL", f"{far}:{far}:")
    scratch.publish(*[(key, 2) for key in keys])
    scratch.rows("UPDATE outbox_event SET xact = %s::xid8 WHERE agg_seq = 2", str(far + 5))

    relay = RunningRelay(scratch)
    scratch.publish(*[(key, 3) for key in keys])
    observer.wait_for(dict.fromkeys(keys, 3))
    relay.stop()

    for key in keys:
        assert observer.sequences(key) == [1, 1, 2, 3]


def test_without_a_change_nothing_is_published_again(scratch: Scratch, observer: Observer) -> None:
    keys = new_keys(5)
    published_once(scratch, observer, keys)

    relay = RunningRelay(scratch)
    scratch.publish(*[(key, 2) for key in keys])
    observer.wait_for(dict.fromkeys(keys, 2))
    relay.stop()

    for key in keys:
        assert observer.sequences(key) == [1, 2]
