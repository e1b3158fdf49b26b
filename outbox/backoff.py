"""Waiting between attempts: longer each time, with jitter, and over at once when asked to stop."""

import random
import threading


class Backoff:
    """Delays double from `first_seconds` up to `seconds_max`; reset() after a success."""

    def __init__(self, stop: threading.Event, *, first_seconds: float = 0.1, seconds_max: float = 5.0) -> None:
        self._stop = stop
        self._first = first_seconds
        self._max = seconds_max
        self._next = first_seconds

    def next_delay(self) -> float:
        """The next delay in seconds, between half and all of the current step."""
        delay = self._next * (0.5 + random.random() / 2)
        self._next = min(self._next * 2, self._max)
        return delay

    def wait(self) -> None:
        self._stop.wait(self.next_delay())

    def reset(self) -> None:
        self._next = self._first
