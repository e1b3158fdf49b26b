"""How far a lane is published, and the fenced update that stores it."""

from collections.abc import Iterable
from dataclasses import dataclass

from outbox.relay.session import Session


@dataclass(frozen=True, slots=True)
class Cursor:
    """Published is all that is visible in `snap` and, of what is visible in `window`, all up to the id `after`.

    Snapshots are PostgreSQL's pg_snapshot as text. Without a window, `after` is 0.
    """

    snap: str
    window: str | None = None
    after: int = 0

    def opened(self, window: str) -> "Cursor":
        return Cursor(self.snap, window, 0)

    def advanced(self, after: int) -> "Cursor":
        return Cursor(self.snap, self.window, after)

    def closed(self) -> "Cursor":
        """The window is published completely: its snapshot is the new starting point."""
        return Cursor(self.window or self.snap)


@dataclass(slots=True)
class Lane:
    """A lane this relay holds: fetched runs ahead, acked follows the broker, saved is what the table says."""

    number: int
    epoch: int
    fetched: Cursor
    acked: Cursor
    saved: Cursor
    is_held: bool = True


_SAVE = """
UPDATE outbox_lane AS stored
   SET snap = new.snap, window_snap = new.window_snap, after_id = new.after_id, updated_at = clock_timestamp()
  FROM unnest(%s::smallint[], %s::bigint[], %s::text[], %s::text[], %s::bigint[])
       AS new (lane, epoch, snap, window_snap, after_id)
 WHERE stored.lane = new.lane AND stored.epoch = new.epoch
RETURNING stored.lane
"""


def save(session: Session, lanes: Iterable[Lane]) -> list[Lane]:
    """Store the acked cursors. Returns the lanes whose epoch is no longer ours: another relay has them."""
    changed = list(lanes)
    if not changed:
        return []
    cursors = [lane.acked for lane in changed]
    stored = session.rows(
        _SAVE,
        (
            [lane.number for lane in changed],
            [lane.epoch for lane in changed],
            [cursor.snap for cursor in cursors],
            [cursor.window for cursor in cursors],
            [cursor.after if cursor.window else None for cursor in cursors],
        ),
    )
    kept = {row[0] for row in stored}
    for lane, cursor in zip(changed, cursors, strict=True):
        lane.saved = cursor
    return [lane for lane in changed if lane.number not in kept]
