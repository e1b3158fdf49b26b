"""Pages that were handed to the producer and are not acknowledged yet, in the order they were sent."""

from collections import deque
from typing import Any

from confluent_kafka import KafkaError

from outbox.relay.cursor import Cursor, Lane

PAGES_MAX = 4


class Flight:
    """One page on its way. It is itself the delivery callback of its messages, called in the relay's own thread."""

    __slots__ = ("acknowledged", "cursor", "error", "lanes", "last_id", "messages", "touched")

    def __init__(self, lanes: list[Lane], cursor: Cursor, last_id: int) -> None:
        self.lanes = lanes
        self.cursor = cursor
        self.last_id = last_id
        self.touched: set[int] = set()
        self.messages = 0
        self.acknowledged = 0
        self.error: KafkaError | None = None

    def __call__(self, error: KafkaError | None, message: Any) -> None:
        # A failed message never counts as delivered, so the cursor cannot pass it.
        if error is None:
            self.acknowledged += 1
        elif self.error is None:
            self.error = error


class Flights:
    """At most PAGES_MAX pages at a time."""

    def __init__(self) -> None:
        self._queue: deque[Flight] = deque()

    def __bool__(self) -> bool:
        return bool(self._queue)

    def have_room(self) -> bool:
        return len(self._queue) < PAGES_MAX

    def add(self, flight: Flight) -> None:
        self._queue.append(flight)

    def landed(self) -> list[Flight]:
        """Take the acknowledged pages off the front. A page behind one that is still flying has to wait."""
        landed = []
        while self._queue and self._queue[0].acknowledged == self._queue[0].messages:
            landed.append(self._queue.popleft())
        return landed

    def failure(self) -> KafkaError | None:
        return next((flight.error for flight in self._queue if flight.error is not None), None)

    def abandon(self) -> int:
        """Forget all pages; returns the highest id that may have been among them."""
        last_id = max((flight.last_id for flight in self._queue), default=0)
        self._queue.clear()
        return last_id
