"""Slips that end by themselves: paid or expired a while after they were issued, over restarts too."""

import threading
import time
from contextlib import suppress
from datetime import datetime
from uuid import UUID

from simulators.card_tokens import Decides, Kind, behaviour_of
from simulators.operation_log import OperationLog, Record
from simulators.provider import Provider
from simulators.refusals import NothingPending

IDLE_SECONDS = 1.0


class SlipClock:
    """Follows the log and ends each slip whose token says so, `slow_seconds` after it became pending."""

    def __init__(
        self, *, log: OperationLog, provider: Provider, slow_seconds: float, stopping: threading.Event
    ) -> None:
        self._log = log
        self._provider = provider
        self._slow_seconds = slow_seconds
        self._stopping = stopping
        self._position = 0
        self._waiting: dict[str, Record] = {}

    def start(self) -> None:
        threading.Thread(target=self._run, name="slip-clock", daemon=True).start()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._follow()
            next_seconds = self._end_due()
            self._log.wait_beyond(number=self._position, seconds_max=next_seconds)

    def _follow(self) -> None:
        """Take over what the log has learned: slips that wait, and slips that ended in whatever way."""
        for record in self._log.after(number=self._position):
            self._position = record["n"]
            if record["type"] == "pending" and _decides(record) is not Decides.WHEN_CONTROLLED:
                self._waiting[record["operation_id"]] = record
            elif record["type"] == "operation":
                self._waiting.pop(record["operation_id"], None)

    def _end_due(self) -> float:
        """End the slips whose time has come; seconds until the next one, at most IDLE_SECONDS."""
        next_seconds = IDLE_SECONDS
        for record in list(self._waiting.values()):
            left_seconds = datetime.fromisoformat(record["at"]).timestamp() + self._slow_seconds - time.time()
            if left_seconds > 0:
                next_seconds = min(next_seconds, left_seconds)
                continue
            # Somebody may have ended it a moment ago.
            with suppress(NothingPending):
                is_paid = _decides(record) is Decides.SUCCEEDS_LATER
                self._provider.end_pending(payment_id=UUID(record["payment_id"]), is_paid=is_paid)
            del self._waiting[record["operation_id"]]
        return next_seconds


def _decides(record: Record) -> Decides:
    return behaviour_of(token=record["token"], kind=Kind(record["kind"])).decides
