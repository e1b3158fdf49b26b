"""Going back when the database is no longer the one the cursors were taken in.

After a promotion, a restore or a dump loaded into another cluster, a cursor may be ahead of the data. Publishing some
minutes again costs duplicates, which every consumer expects; going on would cost events.
"""

import structlog
from django.conf import settings

from outbox.relay.cursor import Cursor
from outbox.relay.session import Session

REWIND_MINUTES = 10

log = structlog.get_logger(__name__)

_IDENTITY = """
SELECT system_identifier, ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int,
       pg_snapshot_xmax(pg_current_snapshot())::text
  FROM pg_control_system()
"""
_LANES = "SELECT lane, snap, window_snap, sysid, timeline FROM outbox_lane WHERE lane = ANY (%s)"
_ADOPT = "UPDATE outbox_lane SET sysid = %s, timeline = %s WHERE lane = ANY (%s)"
_OLDEST = "SELECT min(updated_at) - make_interval(mins => %s) FROM outbox_lane WHERE lane = ANY (%s)"
# Walks back from the newest row, so that it reads no more than what is going to be published again.
_FIRST_XACT = """
SELECT min(xact)::text FROM outbox_event
 WHERE id > coalesce((SELECT id FROM outbox_event WHERE created_at < %s ORDER BY id DESC LIMIT 1), 0)
"""
# Rows whose transaction number is above the reader's own were written in another cluster. They would stay invisible
# to every snapshot until this cluster counts that far, so they are given a number of this one. The snapshot is taken
# by the first statement and the number after it: no row of this cluster that we can see has a higher number.
_RENUMBER = """
UPDATE outbox_event SET xact = CASE WHEN xact >= %s::xid8 THEN %s::xid8 ELSE '1'::xid8 END
 WHERE xact > %s::xid8 AND lane = ANY (%s)
"""
_STORE = """
UPDATE outbox_lane SET snap = %s, window_snap = NULL, after_id = NULL, sysid = %s, timeline = %s WHERE lane = ANY (%s)
"""


def rewound(session: Session, lanes: list[int]) -> dict[int, Cursor]:
    """New cursors for those of the lanes that belong to another database; call with the lanes' locks held."""
    sysid, timeline, xmax = session.rows(_IDENTITY)[0]
    strangers: list[int] = []
    newcomers: list[int] = []
    xmins: list[int] = []
    for lane, snap, window, lane_sysid, lane_timeline in session.rows(_LANES, (lanes,)):
        snapshots = [text.split(":") for text in (snap, window) if text]
        is_ahead = any(int(parts[1]) > int(xmax) for parts in snapshots)
        if is_ahead or (lane_sysid is not None and (lane_sysid, lane_timeline) != (sysid, timeline)):
            strangers.append(lane)
            xmins.extend(int(parts[0]) for parts in snapshots)
        elif lane_sysid is None:
            newcomers.append(lane)
    if newcomers:
        session.run(_ADOPT, (sysid, timeline, newcomers))
    if not strangers:
        return {}
    cursor = _rewind(session, strangers, oldest_running=min(xmins), identity=(sysid, timeline))
    return dict.fromkeys(strangers, cursor)


def _rewind(session: Session, lanes: list[int], *, oldest_running: int, identity: tuple[int, int]) -> Cursor:
    minutes: int = settings.OUTBOX.get("REWIND_MINUTES", REWIND_MINUTES)
    session.run("BEGIN ISOLATION LEVEL REPEATABLE READ")
    try:
        session.run("SET LOCAL statement_timeout = 0")
        oldest = session.rows(_OLDEST, (minutes, lanes))[0][0]
        first = session.rows(_FIRST_XACT, (oldest,))[0][0]
        own = int(session.rows("SELECT pg_current_xact_id()::text")[0][0])
        # What was running when the cursor was taken may be older than the minutes we go back, and is not published.
        start = min(oldest_running, int(first) if first else own, own)
        session.run(_RENUMBER, (str(start), str(own), str(own), lanes))
        # Nothing from `start` on is visible in this snapshot: all of it is published again.
        cursor = Cursor(f"{start}:{start}:")
        session.run(_STORE, (cursor.snap, *identity, lanes))
        session.run("COMMIT")
    except BaseException:
        session.run("ROLLBACK")
        raise
    log.warning("lanes_rewound", lanes=lanes, since=str(oldest), xact=start)
    return cursor
