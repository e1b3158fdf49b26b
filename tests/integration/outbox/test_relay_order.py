"""Nothing committed is lost, nothing rolled back is sent, and each key arrives in order, whatever writers do."""

import random
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.outbox.scratch import Observer, RunningRelay, Scratch, first_times, insert, new_keys

WRITERS = 6
TRANSACTIONS = 60


@pytest.fixture
def counters(scratch: Scratch) -> list[str]:
    """Aggregates with a counter row each, like any aggregate of the application has."""
    keys = new_keys(12)
    with scratch.as_owner() as cursor:
        cursor.execute("CREATE TABLE aggregate (key text PRIMARY KEY, seq int NOT NULL DEFAULT 0)")
        cursor.execute("INSERT INTO aggregate SELECT unnest(%s)", (keys,))
    return keys


def next_seq(cursor: Any, key: str) -> int:
    cursor.execute("UPDATE aggregate SET seq = seq + 1 WHERE key = %s RETURNING seq", (key,))
    found: int = cursor.fetchone()[0]
    return found


def write_randomly(scratch: Scratch, keys: list[str], seed: int) -> None:
    """Transactions of one to three aggregates: early transaction numbers, pauses, savepoints, and some rolled back."""
    chance = random.Random(seed)
    connection = scratch.connect()
    for _ in range(TRANSACTIONS):
        with connection.cursor() as cursor:
            if chance.random() < 0.5:
                cursor.execute("SELECT pg_current_xact_id()")
                time.sleep(chance.random() * 0.01)
            for key in sorted(chance.sample(keys, chance.randint(1, 3))):
                cursor.execute("SAVEPOINT one")
                insert(cursor, key, next_seq(cursor, key))
                if chance.random() < 0.2:
                    cursor.execute("ROLLBACK TO SAVEPOINT one")
                time.sleep(chance.random() * 0.005)
        if chance.random() < 0.2:
            connection.rollback()
        else:
            connection.commit()
    connection.close()


def run_together(work: Callable[..., None], arguments: list[tuple[Any, ...]]) -> None:
    threads = [threading.Thread(target=work, args=each) for each in arguments]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_committed_events_arrive_once_and_in_order_under_racing_writers(
    scratch: Scratch, counters: list[str], relay: RunningRelay, observer: Observer
) -> None:
    run_together(write_randomly, [(scratch, counters, seed) for seed in range(WRITERS)])

    committed = dict(scratch.rows("SELECT key, seq FROM aggregate"))
    observer.wait_for(committed)
    observer.read(0.5)
    assert sum(committed.values()) > WRITERS * TRANSACTIONS
    for key, last in committed.items():
        assert observer.sequences(key) == list(range(1, last + 1))


def test_a_poller_by_id_loses_what_commits_late(scratch: Scratch, relay: RunningRelay, observer: Observer) -> None:
    """The negative control: the same two transactions, read by the cursor on the id that we do not use."""
    early, late = new_keys(2)
    slow = scratch.connect()
    with slow.cursor() as cursor:
        insert(cursor, early, 1)
    scratch.publish((late, 1))

    def newer_than(last_id: int) -> list[Any]:
        return scratch.rows("SELECT id, agg_key FROM outbox_event WHERE id > %s ORDER BY id", last_id)

    first_poll = newer_than(0)
    observer.wait_for({late: 1})
    slow.commit()
    slow.close()
    second_poll = newer_than(max(row[0] for row in first_poll))

    assert [row[1] for row in first_poll + second_poll] == [late]
    observer.wait_for({early: 1, late: 1})


def test_rolled_back_events_are_never_sent(scratch: Scratch, relay: RunningRelay, observer: Observer) -> None:
    gone, half, kept = new_keys(3)
    connection = scratch.connect()
    with connection.cursor() as cursor:
        insert(cursor, gone, 1)
        connection.rollback()
        insert(cursor, half, 1)
        cursor.execute("SAVEPOINT one")
        insert(cursor, half, 2)
        cursor.execute("ROLLBACK TO SAVEPOINT one")
        insert(cursor, kept, 1)
    connection.commit()
    connection.close()

    observer.wait_for({kept: 1, half: 1})
    observer.read(1.0)
    assert observer.sequences(gone) == []
    assert observer.sequences(half) == [1]


def test_a_long_transaction_holds_up_nobody(scratch: Scratch, relay: RunningRelay, observer: Observer) -> None:
    slow_key, *keys = new_keys(6)
    slow = scratch.connect()
    with slow.cursor() as cursor:
        insert(cursor, slow_key, 1)

        for key in keys:
            scratch.publish((key, 1))
            observer.wait_for({key: 1}, seconds_max=10)

        insert(cursor, slow_key, 2)
    slow.commit()
    slow.close()
    observer.wait_for({slow_key: 2})
    assert observer.sequences(slow_key) == [1, 2]


def test_a_backlog_is_drained_in_order(scratch: Scratch, observer: Observer) -> None:
    keys = new_keys(10)
    for block in range(5):
        scratch.publish(*[(key, seq) for seq in range(block * 100 + 1, block * 100 + 101) for key in keys])

    relay = RunningRelay(scratch)
    try:
        observer.wait_for(dict.fromkeys(keys, 500))
    finally:
        relay.stop()

    for key in keys:
        assert first_times(observer.sequences(key)) == list(range(1, 501))


def test_a_restarted_relay_goes_on_where_it_stopped(scratch: Scratch, observer: Observer) -> None:
    (key,) = new_keys(1)
    for seq in range(1, 4):
        scratch.publish((key, seq))
        relay = RunningRelay(scratch)
        observer.wait_for({key: seq})
        relay.stop()

    observer.read(1.0)
    assert observer.sequences(key) == [1, 2, 3]


def test_an_event_of_the_largest_size_passes(scratch: Scratch, relay: RunningRelay, observer: Observer) -> None:
    small_before, large, small_after = new_keys(3)
    connection = scratch.connect()
    with connection, connection.cursor() as cursor:
        insert(cursor, small_before, 1)
        insert(cursor, large, 1, payload=random.Random(1).randbytes(900_000))
        insert(cursor, large, 2)
        insert(cursor, small_after, 1)
    connection.close()

    observer.wait_for({small_before: 1, large: 2, small_after: 1})
    assert observer.sequences(large) == [1, 2]
    sizes = [len(message.value()) for message in observer.messages if message.key() == large.encode()]
    assert sizes == [900_000, 2]
