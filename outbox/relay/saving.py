"""When cursors are stored: soon after messages were acknowledged, seldom while nothing happens."""

import time
from collections.abc import Iterable

from outbox.relay import cursor
from outbox.relay.cursor import Lane
from outbox.relay.ownership import Holdings
from outbox.relay.session import Session

# At most 50 updates a second; what is acknowledged and not yet stored is sent twice after a crash.
PROMPT_SECONDS = 0.02
# Lanes without messages follow more slowly, so that a successor need not read again what others have sent.
ALL_SECONDS = 1.0
# An idle relay only keeps its snapshots from growing old.
IDLE_SECONDS = 60.0


class CursorSaver:
    def __init__(self, session: Session, holdings: Holdings) -> None:
        self._session = session
        self._holdings = holdings
        self._noted: dict[int, Lane] = {}
        self._has_published = False
        self._saved_at = self._saved_all_at = time.monotonic()

    def note(self, lanes: Iterable[Lane]) -> None:
        """These lanes had messages acknowledged."""
        self._noted.update((lane.number, lane) for lane in lanes)
        self._has_published = True

    def save_if_due(self) -> None:
        moment = time.monotonic()
        if moment - self._saved_all_at >= (ALL_SECONDS if self._has_published else IDLE_SECONDS):
            self.save_all()
        elif self._noted and moment - self._saved_at >= PROMPT_SECONDS:
            self._save(self._noted.values())

    def save_all(self) -> None:
        self._save(self._holdings.lanes.values())
        self._has_published = False
        self._saved_all_at = time.monotonic()

    def _save(self, lanes: Iterable[Lane]) -> None:
        changed = [lane for lane in lanes if lane.is_held and lane.acked != lane.saved]
        self._noted.clear()
        self._holdings.fenced(cursor.save(self._session, changed))
        self._saved_at = time.monotonic()
