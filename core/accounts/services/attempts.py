"""Bounds the guessing of passwords: a few attempts a window for each address and account together.

An attempt is counted before the password is looked at and forgotten when it was right, so that attempts at the same
time cannot slip through together. The count is in Redis, exact over all processes. Without Redis each process counts
for itself: the bound is then `SIGN_IN_ATTEMPTS_MAX` times the number of web processes, and never no bound at all.
"""

import hashlib
import threading
import time
from collections import OrderedDict

import structlog
from django.conf import settings

from core.accounts.errors import TooManyAttempts
from core.db import redis

log = structlog.get_logger(__name__)

LOCAL_KEYS_MAX = 10_000


class LocalWindows:
    """Counts in this process, at most `keys_max` of them: the oldest window goes first."""

    def __init__(self, *, keys_max: int = LOCAL_KEYS_MAX) -> None:
        self._lock = threading.Lock()
        self._windows: OrderedDict[str, tuple[float, int]] = OrderedDict()
        self._keys_max = keys_max

    def add(self, key: str, *, window_seconds: int) -> tuple[int, int]:
        """Count one attempt; returns the count and the seconds until the window ends."""
        now = time.monotonic()
        with self._lock:
            ends_at, count = self._windows.pop(key, (0.0, 0))
            if ends_at <= now:
                ends_at, count = now + window_seconds, 0
            self._windows[key] = (ends_at, count + 1)
            if len(self._windows) > self._keys_max:
                self._windows.popitem(last=False)
        return count + 1, int(ends_at - now) + 1

    def forget(self, key: str) -> None:
        with self._lock:
            self._windows.pop(key, None)


_local = LocalWindows()


def count_attempt(*, address: str, email: str) -> str:
    """Count an attempt and return its key for `forget`. Raises TooManyAttempts once the window's share is used up."""
    # Hashed, so that neither store holds who tried to sign in from where.
    key = "sign-in:" + hashlib.sha256(f"{address}\0{email.strip().lower()}".encode()).hexdigest()
    window_seconds = settings.SIGN_IN_WINDOW_SECONDS
    try:
        count, wait_seconds = _add_in_redis(key, window_seconds)
    except redis.RedisError:
        log.warning("attempts.redis_away", exc_info=True)
        count, wait_seconds = _local.add(key, window_seconds=window_seconds)
    if count > settings.SIGN_IN_ATTEMPTS_MAX:
        raise TooManyAttempts(f"Wait {wait_seconds} seconds before you try again.", wait_seconds=wait_seconds)
    return key


def forget(key: str) -> None:
    """The password was right: the attempts before it no longer count."""
    _local.forget(key)
    try:
        redis.client().delete(key)
    except redis.RedisError:
        # The window ends by itself.
        log.warning("attempts.redis_away", exc_info=True)


def _add_in_redis(key: str, window_seconds: int) -> tuple[int, int]:
    with redis.client().pipeline(transaction=True) as pipeline:
        # NX: later attempts do not push the end of the window away.
        pipeline.set(key, 0, ex=window_seconds, nx=True)
        pipeline.incr(key)
        pipeline.ttl(key)
        _, count, wait_seconds = pipeline.execute()
    return int(count), max(int(wait_seconds), 1)
