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
PAGE_BYTES_MAX = 8_000_000
SCAN_ROWS_MAX = 2000

_COLUMNS = "id, lane, topic, agg_key, agg_seq, type, event_id::text AS event_id, traceparent, payload"


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
    """A snapshot, and how far the primary's log was flushed when it was taken or a little later."""

    snap: str
    flushed_lsn: str


def now(session: Session) -> Moment:
    snap, flushed_lsn = session.rows("SELECT pg_current_snapshot()::text, pg_current_wal_flush_lsn()::text")[0]
    return Moment(snap, flushed_lsn)


# ORDER BY xact: the index on xact gives that order, so no plan over the primary key can look cheaper.
_CANDIDATES_AFTER = f"""
    (SELECT xact, {_COLUMNS} FROM outbox_event WHERE xact >= %(xmax)s::xid8 AND id > %(after)s
      ORDER BY xact LIMIT %(scan_rows)s)
"""
_CANDIDATES_THEN_IN_PROGRESS = f"""
    UNION ALL
    (SELECT xact, {_COLUMNS} FROM outbox_event WHERE xact = ANY (%(in_progress)s::xid8[]) AND id > %(after)s
      LIMIT %(scan_rows)s)
"""
# The bound on bytes keeps a page of large events from filling the memory; one event always passes.
_BOUNDED = """
    SELECT * FROM (
        SELECT page.*, count(*) OVER () AS page_rows,
               sum(octet_length(payload)) OVER (ORDER BY id) - octet_length(payload) AS bytes_before
          FROM ({page}) AS page) AS measured
     WHERE bytes_before < %(page_bytes)s ORDER BY id
"""
_SMALL_PAGE = """
    SELECT id, lane, topic, agg_key, agg_seq, type, event_id, traceparent, payload FROM candidates
     WHERE scanned.scan_rows < %(scan_rows)s AND lane = ANY (%(lanes)s)
       AND pg_visible_in_snapshot(xact, %(window)s::pg_snapshot)
     ORDER BY id LIMIT %(page_rows)s
"""
_SMALL = (
    "WITH candidates AS MATERIALIZED ({candidates}),"
    " scanned AS (SELECT count(*) AS scan_rows FROM candidates)"
    " SELECT scanned.scan_rows, bounded.* FROM scanned LEFT JOIN LATERAL ("
    + _BOUNDED.format(page=_SMALL_PAGE)
    + ") AS bounded ON true ORDER BY bounded.id"
)
# OFFSET 0 keeps min(id) from becoming a walk over the primary key from the first row that was ever written.
_EDGES = """
SELECT (SELECT min(id) FROM (
            SELECT id FROM (SELECT id FROM outbox_event WHERE xact >= %(xmax)s::xid8 OFFSET 0) AS after
            UNION ALL
            SELECT id FROM (SELECT id FROM outbox_event WHERE xact = ANY (%(in_progress)s::xid8[]) OFFSET 0) AS progress
        ) AS window_ids),
       pg_sequence_last_value(pg_get_serial_sequence('outbox_event', 'id')::regclass)
"""
_BACKLOG = _BOUNDED.format(
    page=f"""
    SELECT {_COLUMNS} FROM outbox_event
     WHERE id > %(after)s AND id <= %(last)s AND lane = ANY (%(lanes)s)
       AND pg_visible_in_snapshot(xact, %(window)s::pg_snapshot)
       AND NOT pg_visible_in_snapshot(xact, %(snap)s::pg_snapshot)
     ORDER BY id LIMIT %(page_rows)s
"""
)


def fetch_small(session: Session, cursor: Cursor, lanes: list[int]) -> Page | None:
    """The next page through the index on xact; None when the window holds too many rows for this form."""
    parameters = _parameters(cursor, lanes)
    candidates = _CANDIDATES_AFTER + (_CANDIDATES_THEN_IN_PROGRESS if parameters["in_progress"] else "")
    found = session.rows(_SMALL.format(candidates=candidates), parameters)
    if found[0][0] >= SCAN_ROWS_MAX:
        return None
    return _page([row[1:] for row in found if row[1] is not None])


@dataclass(frozen=True, slots=True)
class Edges:
    """The ids between which a window lies: all of it is above `before` and not above `last`."""

    before: int
    last: int


def edges(session: Session, cursor: Cursor) -> Edges:
    """Read once for a large window; costs one walk over the window in the index on xact."""
    first, last = session.rows(_EDGES, _parameters(cursor, []))[0]
    return Edges(before=(first or 1) - 1, last=last or 0)


def fetch_backlog(session: Session, cursor: Cursor, lanes: list[int], window_edges: Edges) -> Page:
    """The next page through the primary key: its cost does not grow with the window."""
    parameters = _parameters(cursor, lanes)
    parameters["after"] = max(cursor.after, window_edges.before)
    parameters["last"] = window_edges.last
    return _page(session.rows(_BACKLOG, parameters))


def _parameters(cursor: Cursor, lanes: list[int]) -> dict[str, Any]:
    _, xmax, in_progress = cursor.snap.split(":")
    return {
        "snap": cursor.snap,
        "window": cursor.window,
        "after": cursor.after,
        "xmax": xmax,
        "in_progress": in_progress.split(",") if in_progress else [],
        "lanes": lanes,
        "scan_rows": SCAN_ROWS_MAX,
        "page_rows": PAGE_ROWS_MAX,
        "page_bytes": PAGE_BYTES_MAX,
    }


def _page(found: list[Any]) -> Page:
    if not found:
        return Page(rows=[], is_last=True)
    rows_before_the_bytes_bound = found[0][-2]
    rows = [Row._make(row[:-2]) for row in found]
    return Page(rows, is_last=len(rows) == rows_before_the_bytes_bound < PAGE_ROWS_MAX)
