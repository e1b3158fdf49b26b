"""From lanes to pages: lanes with the same cursor are polled together, and cursors that differ meet again.

A lane taken over in the middle of a window first gets to the end of it. All lanes that stand at the end of a window
open the next one with the same snapshot, so after one turn they share their cursor.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from outbox.relay import poll
from outbox.relay.cursor import Cursor, Lane
from outbox.relay.poll import Moment, Page, Row
from outbox.relay.session import Session


@dataclass(frozen=True, slots=True)
class Fetched:
    """A page of some lanes, the window it belongs to, and where the lanes stand once it is published."""

    lanes: list[Lane]
    rows: list[Row]
    window: str
    flushed_lsn: str
    cursor: Cursor


class Feed:
    def __init__(self, session: Session) -> None:
        self._session = session
        # Windows that are too large for one page, with their first ids.
        self._large: dict[tuple[str, str | None], int] = {}
        self._turns = 0

    def turn(self, lanes: list[Lane]) -> Iterator[Fetched]:
        """At most one page for each distinct cursor; nothing changes until the caller moves `lane.fetched`."""
        if not lanes:
            return
        groups: dict[Cursor, list[Lane]] = {}
        for lane in lanes:
            groups.setdefault(lane.fetched, []).append(lane)
        self._forget_finished(groups)
        moment = poll.now(self._session)
        # Each turn begins with another group: a caller that stops half way must not starve the last ones.
        self._turns += 1
        order = list(groups)
        first = self._turns % len(order)
        for cursor in order[first:] + order[:first]:
            fetched = self._next(cursor, groups[cursor], moment)
            if fetched is not None:
                yield fetched

    def _next(self, cursor: Cursor, lanes: list[Lane], moment: Moment) -> Fetched | None:
        if cursor.window is None:
            if cursor.snap == moment.snap:
                return None
            cursor = cursor.opened(moment.snap)
        page = self._page(cursor, [lane.number for lane in lanes], moment.last_id)
        reached = cursor.closed() if page.is_last else cursor.advanced(page.rows[-1].id)
        return Fetched(lanes, page.rows, cursor.window or "", moment.flushed_lsn, reached)

    def _page(self, cursor: Cursor, lanes: list[int], last_id: int) -> Page:
        window = cursor.snap, cursor.window
        if window not in self._large:
            page = poll.fetch_small(self._session, cursor, lanes, last_id)
            if page is not None:
                return page
            self._large[window] = poll.first_id(self._session, cursor)
        return poll.fetch_backlog(self._session, cursor, lanes, last_id, self._large[window])

    def _forget_finished(self, groups: dict[Cursor, list[Lane]]) -> None:
        if self._large:
            open_windows = {(cursor.snap, cursor.window) for cursor in groups}
            self._large = {window: first for window, first in self._large.items() if window in open_windows}
