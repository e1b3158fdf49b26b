"""Which events come next: those visible in a newer snapshot and not in the one the lane has reached.

Neither a cursor on the id nor a wait for the oldest transaction is right: an id is taken at INSERT and becomes visible
at COMMIT, and a transaction may take its number long before it takes the aggregate's lock. The difference of two
snapshots, in order of id, loses nothing and keeps the order of each aggregate; see docs/architecture.md.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

from outbox.relay.cursor import Cursor
from outbox.relay.session import Session

PAGE_ROWS_MAX = 1000
# A larger payload is fetched by itself, so a page never holds more than this times the number of its rows.
PAYLOAD_BYTES_IN_PAGE_MAX = 16_000


class Row(NamedTuple):
    id: int
    lane: int
    topic: str
    key: str
    seq: int
    type: str
    event_id: str
    traceparent: str | None
    payload: bytes


@dataclass(frozen=True, slots=True)
class Page:
    """Rows in order of id; `is_last` when nothing of the window is left behind them."""

    rows: list[Row]
    is_last: bool


@dataclass(frozen=True, slots=True)
class Moment:
    """A snapshot; and, read when it was taken or a little later, how far the log was flushed and the newest id."""

    snap: str
    flushed_lsn: str
    last_id: int


_NOW = """
SELECT pg_current_snapshot()::text, pg_current_wal_flush_lsn()::text,
       coalesce(pg_sequence_last_value('outbox_event_id_seq'), 0)
"""
_COLUMNS = f"""
id, lane, topic, agg_key, agg_seq, type, event_id::text, traceparent,
CASE WHEN octet_length(payload) <= {PAYLOAD_BYTES_IN_PAGE_MAX} THEN payload END
"""
# Both bounds on the id, so that the planner leaves out the partitions made ahead.
_OURS = """
id > %(after)s AND id <= %(last)s AND lane = ANY (%(lanes)s) AND pg_visible_in_snapshot(xact, %(window)s::pg_snapshot)
"""
# ORDER BY xact: the index on xact gives that order, so no plan over the primary key can look cheaper.
_SMALL_AFTER = f"""
SELECT {_COLUMNS} FROM outbox_event WHERE xact >= %(xmax)s::xid8 AND {_OURS} ORDER BY xact LIMIT %(limit)s
"""
_SMALL_IN_PROGRESS = f"""
SELECT {_COLUMNS} FROM outbox_event WHERE xact = ANY (%(in_progress)s::xid8[]) AND {_OURS} LIMIT %(limit)s
"""
_BACKLOG = f"""
SELECT {_COLUMNS} FROM outbox_event
 WHERE {_OURS} AND NOT pg_visible_in_snapshot(xact, %(snap)s::pg_snapshot) ORDER BY id LIMIT %(limit)s
"""
# OFFSET 0 keeps min(id) from becoming a walk over the primary key from the first row that was ever written.
_FIRST_ID = """
SELECT min(id) FROM (
    SELECT id FROM (SELECT id FROM outbox_event WHERE xact >= %(xmax)s::xid8 OFFSET 0) AS after
    UNION ALL
    SELECT id FROM (SELECT id FROM outbox_event WHERE xact = ANY (%(in_progress)s::xid8[]) OFFSET 0) AS in_progress
) AS window_ids
"""


def now(session: Session) -> Moment:
    return Moment(*session.rows(_NOW)[0])


def fetch_small(session: Session, cursor: Cursor, lanes: list[int], last_id: int) -> Page | None:
    """All that is left of the window, through the index on xact; None when that is too much for one page.

    `last_id` is the newest id at the window's snapshot or later.
    """
    parameters = _parameters(cursor, lanes, last_id)
    found = session.rows(_SMALL_AFTER, parameters)
    if parameters["in_progress"]:
        found += session.rows(_SMALL_IN_PROGRESS, parameters)
    if len(found) > PAGE_ROWS_MAX:
        return None
    return _page(session, sorted(found), is_last=True)


def first_id(session: Session, cursor: Cursor) -> int:
    """The lowest id of a large window; costs one walk over the window in the index on xact."""
    found: int | None = session.rows(_FIRST_ID, _parameters(cursor, [], 0))[0][0]
    return found or 0


def fetch_backlog(session: Session, cursor: Cursor, lanes: list[int], last_id: int, first: int) -> Page:
    """The next page through the primary key, from `first` on: its cost does not grow with the window."""
    parameters = _parameters(cursor, lanes, last_id)
    parameters["after"] = max(cursor.after, first - 1)
    parameters["limit"] = PAGE_ROWS_MAX
    found = session.rows(_BACKLOG, parameters)
    return _page(session, found, is_last=len(found) < PAGE_ROWS_MAX)


def _parameters(cursor: Cursor, lanes: list[int], last_id: int) -> dict[str, Any]:
    _, xmax, in_progress = cursor.snap.split(":")
    return {
        "snap": cursor.snap,
        "window": cursor.window,
        "after": cursor.after,
        "last": last_id,
        "xmax": xmax,
        "in_progress": in_progress.split(",") if in_progress else [],
        "lanes": lanes,
        "limit": PAGE_ROWS_MAX + 1,
    }


def _page(session: Session, found: list[Any], *, is_last: bool) -> Page:
    """Cut the page before its first large payload; a large payload at the front makes a page of its own."""
    rows = [Row._make(row) for row in found]
    large = next((index for index, row in enumerate(rows) if row.payload is None), None)
    if large is None:
        return Page(rows, is_last)
    if large > 0:
        return Page(rows[:large], is_last=False)
    payload = session.rows("SELECT payload FROM outbox_event WHERE id = %s", (rows[0].id,))[0][0]
    return Page([rows[0]._replace(payload=payload)], is_last=is_last and len(rows) == 1)
