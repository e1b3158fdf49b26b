"""Who waits is woken by the commit, and by nothing but the commit."""

import threading
import time
import uuid

from django.db import connection, transaction

from core.db import wakeups


def ring_soon(subject: uuid.UUID, *, commits: bool) -> threading.Thread:
    def ring() -> None:
        time.sleep(0.1)
        with transaction.atomic():
            wakeups.ring_after_commit(subject)
            transaction.set_rollback(not commits)
        connection.close()

    thread = threading.Thread(target=ring)
    thread.start()
    return thread


def waited_seconds(subject: uuid.UUID, *, rung: uuid.UUID, commits: bool) -> float:
    with wakeups.listening(subject) as wait:
        thread = ring_soon(rung, commits=commits)
        started = time.monotonic()
        wait(wakeups.RECHECK_SECONDS)
        seconds = time.monotonic() - started
        thread.join()
    return seconds


def test_a_commit_wakes_who_waits_for_its_subject():
    subject = uuid.uuid4()

    assert waited_seconds(subject, rung=subject, commits=True) < 0.8


def test_neither_a_rollback_nor_another_subject_wakes():
    subject = uuid.uuid4()

    assert waited_seconds(subject, rung=subject, commits=False) >= 0.95
    assert waited_seconds(subject, rung=uuid.uuid4(), commits=True) >= 0.95


def test_what_moved_before_the_first_wait_is_not_missed():
    subject = uuid.uuid4()

    with wakeups.listening(subject) as wait:
        ring_soon(subject, commits=True).join()
        started = time.monotonic()
        wait(wakeups.RECHECK_SECONDS)

    assert time.monotonic() - started < 0.5
