"""Wake-ups through Redis: whoever waits for something learns at once that it has moved. Only ever a hint.

Whoever waits looks again by itself, so a lost wake-up costs a moment and Redis may be away.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

import structlog
from django.db import transaction
from redis.client import PubSub

from core.db import redis

log = structlog.get_logger(__name__)

# How long a waiter relies on being woken, and how often it looks where nobody can wake it.
RECHECK_SECONDS = 1.0
POLL_SECONDS = 0.25
# After a failure nobody is woken for so long: a Redis that hangs must not slow every commit down.
MUTED_SECONDS = 5.0

_muted_until = 0.0


def ring_after_commit(subject: UUID) -> None:
    """Wake who waits for this subject once the current transaction has committed: 0.5 s at most, and no error."""
    transaction.on_commit(lambda: _ring(subject))


@contextmanager
def listening(subject: UUID) -> Iterator[Callable[[float], None]]:
    """Inside, call the function given to wait until the subject moves or that many seconds are over.

    It may return early for no reason. Look at the subject inside, before the first wait: nothing is missed then.
    """
    pubsub = _subscribed(subject)

    def wait(seconds: float) -> None:
        nonlocal pubsub
        if pubsub is not None:
            try:
                pubsub.get_message(timeout=min(seconds, RECHECK_SECONDS))
                return
            except redis.RedisError:
                log.warning("wakeups.redis_away", exc_info=True)
                pubsub = None
        time.sleep(min(seconds, POLL_SECONDS))

    try:
        yield wait
    finally:
        if pubsub is not None:
            pubsub.close()


def _ring(subject: UUID) -> None:
    global _muted_until
    if time.monotonic() < _muted_until:
        return
    try:
        redis.client().publish(_channel(subject), b"")
    except redis.RedisError:
        _muted_until = time.monotonic() + MUTED_SECONDS
        log.warning("wakeups.not_rung", exc_info=True)


def _subscribed(subject: UUID) -> PubSub | None:
    """Messages of the subject's channel from now on; None without Redis."""
    pubsub = redis.client().pubsub(ignore_subscribe_messages=True)
    try:
        pubsub.subscribe(_channel(subject))
        # The confirmation: before it, a message could still pass us by.
        pubsub.get_message(timeout=redis.SECONDS_MAX)
    except redis.RedisError:
        log.warning("wakeups.redis_away", exc_info=True)
        pubsub.close()
        return None
    return pubsub


def _channel(subject: UUID) -> str:
    return f"moved:{subject}"
