"""Which webhooks are still to be sent, and when: derived from the log, so that a restart forgets none."""

import heapq
import threading
import time
from dataclasses import dataclass
from datetime import datetime

from simulators.card_tokens import Kind, Notifying
from simulators.operation_log import OperationLog, Record
from simulators.webhook_events import WebhookEvent, event_of

# About 20 minutes in all; what was not taken by then is given up, and whoever missed it has to ask.
RETRY_SECONDS = (0.2, 0.5, 1, 2, 5, 10, 10, 10, 10, 10, 10, 30, 60, 120, 300, 600)
# A webhook that is to come after a later one comes after all when there is no later one.
REORDER_SECONDS_MAX = 10.0
IDLE_SECONDS = 0.5


@dataclass(eq=False, slots=True)
class Delivery:
    """An event on its way: how often it was tried, and when it is due by the monotonic clock."""

    event: WebhookEvent
    due: float
    attempts: int = 0


class WebhookQueue:
    """Deliveries by due time. Every one taken must be given back: acknowledged or refused. Safe for threads.

    A late event is due `late_seconds` after its decision.
    """

    def __init__(
        self, *, log: OperationLog, late_seconds: float, retry_seconds: tuple[float, ...] = RETRY_SECONDS
    ) -> None:
        self._log = log
        self._late_seconds = late_seconds
        self._retry_seconds = retry_seconds
        self._lock = threading.Lock()
        self._tried = threading.Condition(self._lock)
        self._position = 0
        self._order = 0
        self._heap: list[tuple[float, int, Delivery]] = []
        self._held_back: dict[str, Delivery] = {}
        self._tried_ids: set[str] = set()
        history = log.after(number=0)
        self._ended_ids = {record["event_id"] for record in history if record["type"] == "webhook"}

    def take(self) -> Delivery | None:
        """The next due delivery; None when there was none for a moment."""
        with self._lock:
            self._follow()
            now = time.monotonic()
            while self._heap and self._heap[0][0] <= now:
                due, _, delivery = heapq.heappop(self._heap)
                # A delivery that was let go earlier stands in the heap twice.
                if due == delivery.due:
                    if self._held_back.get(delivery.event.payment_id) is delivery:
                        del self._held_back[delivery.event.payment_id]
                    return delivery
            wait_seconds = min(IDLE_SECONDS, self._heap[0][0] - now) if self._heap else IDLE_SECONDS
            position = self._position
        self._log.wait_beyond(number=position, seconds_max=wait_seconds)
        return None

    def acknowledged(self, delivery: Delivery) -> None:
        """The receiver took it: it is not sent again, not even after a restart."""
        self._end(delivery, "acknowledged")
        with self._lock:
            self._let_go(delivery.event.payment_id)

    def refused(self, delivery: Delivery) -> bool:
        """The receiver did not take it: due again later. False when that was the last try."""
        delivery.attempts += 1
        if delivery.attempts > len(self._retry_seconds):
            self._end(delivery, "given_up")
            return False
        with self._lock:
            self._push(delivery, time.monotonic() + self._retry_seconds[delivery.attempts - 1])
            self._note_tried(delivery)
        return True

    def wait_tried(self, event_id: str, *, seconds_max: float) -> bool:
        """Wait until the event was sent and answered, or refused, for the first time. False when that took too long."""
        with self._tried:
            return self._tried.wait_for(lambda: event_id in self._tried_ids, seconds_max)

    def _follow(self) -> None:
        for record in self._log.after(number=self._position):
            self._position = record["n"]
            event = event_of(record)
            if event is not None and event.event_id not in self._ended_ids:
                self._add(event, decided_at=datetime.fromisoformat(record["at"]).timestamp())

    def _add(self, event: WebhookEvent, *, decided_at: float) -> None:
        delivery = Delivery(event=event, due=0.0)
        wait_seconds = 0.0
        if event.is_late:
            wait_seconds = max(0.0, decided_at + self._late_seconds - time.time())
        elif event.notifying is Notifying.REORDERED and event.kind == Kind.AUTHORIZE:
            self._held_back[event.payment_id] = delivery
            wait_seconds = REORDER_SECONDS_MAX
        self._push(delivery, time.monotonic() + wait_seconds)

    def _push(self, delivery: Delivery, due: float) -> None:
        delivery.due = due
        self._order += 1
        heapq.heappush(self._heap, (due, self._order, delivery))

    def _let_go(self, payment_id: str) -> None:
        """A later event of this payment has arrived, so the one held back may follow it."""
        delivery = self._held_back.pop(payment_id, None)
        if delivery is not None:
            self._push(delivery, time.monotonic())

    def _end(self, delivery: Delivery, how: str) -> None:
        event = delivery.event
        record: Record = {"type": "webhook", "event_id": event.event_id, "payment_id": event.payment_id}
        self._log.append(record=record | {"event_type": event.type, "status": how})
        with self._lock:
            self._ended_ids.add(event.event_id)
            self._note_tried(delivery)

    def _note_tried(self, delivery: Delivery) -> None:
        self._tried_ids.add(delivery.event.event_id)
        self._tried.notify_all()
