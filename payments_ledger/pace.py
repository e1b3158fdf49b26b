"""No more than so many a second: for work that must leave the ledger's nodes to those who wait for an answer."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")

# A portion is what may go out in this time, so that a slow pace is even and not a burst followed by a long rest.
PORTION_SECONDS = 0.25
PORTION_MAX = 500


class Pace:
    """Spreads work evenly over time: never more than `per_second`, whatever was saved up by being slow before."""

    def __init__(
        self,
        per_second: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if not per_second > 0:
            raise ValueError(f"a pace must be above zero a second, not {per_second}")
        self._per_second = per_second
        self._clock, self._sleep = clock, sleep
        self._free_at = float("-inf")

    def portions(self, items: Sequence[T]) -> Iterator[Sequence[T]]:
        """The items in small parts, each given out once its time has come."""
        size = max(1, min(PORTION_MAX, int(self._per_second * PORTION_SECONDS)))
        for start in range(0, len(items), size):
            portion = items[start : start + size]
            now = self._clock()
            if self._free_at > now:
                self._sleep(self._free_at - now)
            self._free_at = max(now, self._free_at) + len(portion) / self._per_second
            yield portion
