"""A time in which the provider's API answers nobody: to be ordered by tests, and over when the process ends."""

import threading
import time


class Outage:
    """Begun for some seconds; a later order replaces an earlier one, and 0 seconds end it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._until = 0.0
        self._drops = False

    def begin(self, *, seconds: float, drops: bool) -> None:
        with self._lock:
            self._until, self._drops = time.monotonic() + seconds, drops

    def is_on(self) -> bool:
        return time.monotonic() < self._until

    def drops(self) -> bool:
        """Whether connections are dropped without a word; otherwise requests are answered 503."""
        return self._drops
