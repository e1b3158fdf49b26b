"""Get a batch through its projection: retry what may pass later, set aside what never will, let the others go on."""

import threading
import time
from collections.abc import Sequence

import structlog
from django.db import connection, transaction

from outbox.backoff import Backoff
from outbox.consuming.dead_letters import DeadLetters
from outbox.consuming.message import Message
from outbox.consuming.offsets import OffsetStore
from outbox.consuming.projection import Projection, is_retryable
from outbox.consuming.subscription import BATCH_ROWS_MAX, Subscription

STEP_SECONDS = 0.1
REASON_CHARACTERS_MAX = 2000

log = structlog.get_logger(__name__)


class Delivery:
    def __init__(
        self,
        projection: Projection,
        offsets: OffsetStore,
        dead_letters: DeadLetters,
        subscription: Subscription,
        stop: threading.Event,
    ) -> None:
        self._projection = projection
        self._offsets = offsets
        self._dead_letters = dead_letters
        self._subscription = subscription
        self._stop = stop
        self._backoff = Backoff(stop)
        self._rows_max = BATCH_ROWS_MAX

    def deliver(self, batch: Sequence[Message]) -> None:
        """Returns when all of the batch is stored, is another member's, or the loop was asked to stop.

        A batch goes in parts. What fails is tried again as half of it: until the message that fails for good is alone,
        or until a server that takes little at a time gets so little that it takes it. After each success the next part
        is a quarter larger. What got through is stored and is not sent again.
        """
        waiting = list(batch)
        while waiting := self._subscription.still_owned(waiting):
            part, rest = waiting[: self._rows_max], waiting[self._rows_max :]
            try:
                self._apply(part)
            except Exception as error:
                may_pass = is_retryable(error)
                if len(part) > 1:
                    self._rows_max = len(part) // 2
                elif not may_pass and self._set_aside(part[0], error):
                    waiting = rest
                if may_pass and not self._wait_to_retry(error, part):
                    return
            else:
                waiting = rest
                self._rows_max = min(self._rows_max + self._rows_max // 4 + 1, BATCH_ROWS_MAX)
                self._backoff.reset()
        self._subscription.resume()

    def redrive(self, key: str) -> None:
        """Process a parked key's dead letters in order and let it go, or park it again with the new reason."""
        waiting = self._dead_letters.waiting(key)
        while waiting:
            for row_id, message in waiting:
                try:
                    self._projection.project([message])
                    with transaction.atomic():
                        self._projection.record([message])
                        self._dead_letters.mark_redriven(row_id)
                except Exception as error:
                    if is_retryable(error):
                        # The request stays, so the key's turn comes again.
                        self._wait_to_retry(error, [message])
                        self._subscription.resume()
                        return
                    with transaction.atomic():
                        self._dead_letters.park(message, reason_of(error))
                    return
            waiting = self._dead_letters.waiting(key)
        self._dead_letters.unpark(key)

    def _apply(self, part: list[Message]) -> None:
        live: list[Message] = []
        held: list[Message] = []
        for message in part:
            is_held = message.problem or self._dead_letters.is_parked(message.key)
            (held if is_held else live).append(message)
        if live:
            self._projection.project(live)
        with transaction.atomic():
            if live:
                self._projection.record(live)
            for message in held:
                self._dead_letters.store(message, message.problem or "an earlier message of this key is parked")
            self._offsets.store(part)

    def _set_aside(self, message: Message, error: Exception) -> bool:
        """False when the database could not take it now; then the message is tried again first."""
        try:
            with transaction.atomic():
                self._dead_letters.park(message, reason_of(error))
                self._offsets.store([message])
        except Exception as failure:
            self._wait_to_retry(failure, [message])
            return False
        self._dead_letters.note_parked(message.key)
        return True

    def _wait_to_retry(self, error: Exception, part: Sequence[Message]) -> bool:
        """Wait as a member of the group; False when asked to stop."""
        log.warning("projection_waits", messages=len(part), error=reason_of(error))
        # A connection that broke in the middle of a transaction is not usable again.
        if not connection.in_atomic_block:
            connection.close()
        until = time.monotonic() + self._backoff.next_delay()
        while time.monotonic() < until and not self._stop.is_set():
            self._subscription.stay(STEP_SECONDS)
        return not self._stop.is_set()


def reason_of(error: Exception) -> str:
    """Short enough for a column and a log line."""
    return f"{type(error).__name__}: {error}".strip()[:REASON_CHARACTERS_MAX]
