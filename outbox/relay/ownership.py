"""Sharing 64 lanes among the relays that live: advisory locks say who holds one, epochs fence who held it before."""

import math
import random
from collections.abc import Iterable
from uuid import UUID

import structlog

from outbox.lanes import LANES
from outbox.relay.cursor import Cursor, Lane
from outbox.relay.rewind import rewound
from outbox.relay.session import APPLICATION, Session

# The two numbers of a lane's advisory lock: the table of lanes and the lane.
LOCK_CLASS = "'outbox_lane'::regclass::oid"
FROZEN_SECONDS = 5
FORGET_SECONDS = 60

log = structlog.get_logger(__name__)

_HEARTBEAT = """
INSERT INTO outbox_relay_instance (id, backend_pid, heartbeat_at) VALUES (%s, pg_backend_pid(), clock_timestamp())
ON CONFLICT (id) DO UPDATE SET backend_pid = excluded.backend_pid, heartbeat_at = excluded.heartbeat_at
"""
_LIVING = f"""
  FROM outbox_relay_instance AS relay
  JOIN pg_stat_activity AS session
    ON session.pid = relay.backend_pid AND session.datname = current_database()
   AND session.application_name = '{APPLICATION} ' || relay.id
"""
# A session in the middle of a statement is slow, not frozen. One that waits for a standby (SyncRep) is never ended:
# that would make its commit visible without the standby having it.
_END_FROZEN = f"""
SELECT relay.id, pg_terminate_backend(session.pid) {_LIVING}
 WHERE relay.heartbeat_at < clock_timestamp() - make_interval(secs => {FROZEN_SECONDS})
   AND session.wait_event IS DISTINCT FROM 'SyncRep'
   AND (session.state <> 'active' OR session.wait_event = 'ClientWrite')
"""
_FORGET_DEAD = f"""
DELETE FROM outbox_relay_instance AS dead
 WHERE dead.heartbeat_at < clock_timestamp() - make_interval(secs => {FORGET_SECONDS})
   AND NOT EXISTS (SELECT FROM pg_stat_activity AS session
                    WHERE session.pid = dead.backend_pid AND session.application_name = '{APPLICATION} ' || dead.id)
"""
_HELD = f"""
SELECT objid::int FROM pg_locks
 WHERE locktype = 'advisory' AND classid = {LOCK_CLASS} AND objsubid = 2
   AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
_LOCK = f"SELECT lane FROM unnest(%s::int[]) AS lane WHERE pg_try_advisory_lock({LOCK_CLASS}::int, lane)"
_UNLOCK = f"SELECT pg_advisory_unlock({LOCK_CLASS}::int, lane) FROM unnest(%s::int[]) AS lane"
_TAKE = """
UPDATE outbox_lane SET epoch = epoch + 1, owner = %s, updated_at = coalesce(updated_at, clock_timestamp())
 WHERE lane = ANY (%s) RETURNING lane, epoch, snap, window_snap, after_id
"""
_LEAVE = """
UPDATE outbox_lane SET owner = NULL WHERE (lane, epoch) IN (SELECT * FROM unnest(%s::smallint[], %s::bigint[]))
"""


class Holdings:
    """The lanes of one session. When the session ends, PostgreSQL frees the locks, whatever became of the process."""

    def __init__(self, session: Session, instance_id: UUID) -> None:
        self._session = session
        self._instance_id = instance_id
        self._share = LANES
        self.lanes: dict[int, Lane] = {}

    def beat(self) -> None:
        """Say that this relay lives; end the sessions of relays that hold their locks and do nothing."""
        self._session.run(_HEARTBEAT, (self._instance_id.hex,))
        for frozen, _ in self._session.rows(_END_FROZEN):
            log.warning("relay_frozen", relay=str(frozen), remedy="its session was ended; its lanes are free")
        living = self._session.rows("SELECT count(*)" + _LIVING)[0][0]
        self._share = math.ceil(LANES / max(1, living))

    def surplus(self) -> int:
        """How many lanes this relay holds above its share."""
        return max(0, len(self.lanes) - self._share)

    def take_free(self) -> list[Lane]:
        """Take free lanes up to this relay's share; those taken may have cursors that differ from the others."""
        missing = self._share - len(self.lanes)
        if missing <= 0:
            return []
        held = {row[0] for row in self._session.rows(_HELD)}
        free = [number for number in range(LANES) if number not in held and number not in self.lanes]
        # Chosen at random: two relays that start together then seldom try the same lanes.
        wanted = random.sample(free, min(missing, len(free)))
        locked = [row[0] for row in self._session.rows(_LOCK, (wanted,))] if wanted else []
        return self._enter(locked)

    def release(self, lanes: Iterable[Lane]) -> None:
        """Give lanes back. Their cursors must be saved and nothing of them may be in flight."""
        leaving = list(lanes)
        self._session.run(_LEAVE, ([lane.number for lane in leaving], [lane.epoch for lane in leaving]))
        self._drop(leaving)

    def fenced(self, lanes: Iterable[Lane]) -> None:
        """Forget lanes whose epoch has moved on: whatever this relay still sends of them is a duplicate."""
        lost = list(lanes)
        if lost:
            log.warning("lanes_fenced", lanes=sorted(lane.number for lane in lost))
            self._drop(lost)

    def forget_dead_relays(self) -> None:
        self._session.run(_FORGET_DEAD)

    def leave(self) -> None:
        """The last act of an orderly stop."""
        self.release(self.lanes.values())
        self._session.run("DELETE FROM outbox_relay_instance WHERE id = %s", (self._instance_id.hex,))

    def _enter(self, locked: list[int]) -> list[Lane]:
        if not locked:
            return []
        # Look at the lanes as they were left before the epoch is raised: a rewind needs their age.
        cursors = rewound(self._session, locked)
        entered = []
        for number, epoch, snap, window, after in self._session.rows(_TAKE, (self._instance_id.hex, locked)):
            stored = Cursor(snap, window, after or 0)
            cursor = cursors.get(number, stored)
            entered.append(Lane(number, epoch, fetched=cursor, acked=cursor, saved=stored))
        self.lanes.update((lane.number, lane) for lane in entered)
        return entered

    def _drop(self, lanes: list[Lane]) -> None:
        for lane in lanes:
            lane.is_held = False
            self.lanes.pop(lane.number, None)
        self._session.rows(_UNLOCK, ([lane.number for lane in lanes],))
