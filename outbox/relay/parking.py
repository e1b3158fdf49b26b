"""Keys that Kafka refused: their messages wait in the outbox, in order, until an operator asks to unpark them."""

from collections.abc import Container, Sequence
from typing import Any

import structlog
from django.db import connection

from outbox.lanes import lane_of
from outbox.relay.cursor import Cursor
from outbox.relay.poll import Row
from outbox.relay.session import Session

REPLAY_ROWS = 200

log = structlog.get_logger(__name__)

_PARK = """
INSERT INTO outbox_parked (agg_key, first_id, reason) VALUES (%s, %s, %s)
ON CONFLICT (agg_key) DO UPDATE
   SET first_id = least(outbox_parked.first_id, excluded.first_id), reason = excluded.reason, unpark_requested_at = NULL
"""
_PARK_AGAIN = """
UPDATE outbox_parked SET first_id = %s, reason = %s, unpark_requested_at = NULL WHERE agg_key = %s
"""
_PASSED = """
SELECT id, lane, topic, agg_key, agg_seq, type, event_id::text, traceparent, payload FROM outbox_event
 WHERE agg_key = %(key)s AND id >= %(first)s
   AND (pg_visible_in_snapshot(xact, %(snap)s::pg_snapshot)
        OR (id <= %(after)s AND pg_visible_in_snapshot(xact, %(window)s::pg_snapshot)))
 ORDER BY id LIMIT %(rows)s
"""


class Parking:
    """The parked keys as this session knows them. A key is parked by the owner of its lane only."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._first_ids: dict[str, int] = {}
        self.requested: list[str] = []

    def __contains__(self, key: str) -> bool:
        return key in self._first_ids

    def load(self, *, lanes: Container[int]) -> None:
        """Read what is parked and what is to be unparked in these lanes; with each heartbeat."""
        found = self._session.rows("SELECT agg_key, first_id, unpark_requested_at IS NOT NULL FROM outbox_parked")
        self._first_ids = {key: first_id for key, first_id, _ in found}
        self.requested = [key for key, _, is_requested in found if is_requested and lane_of(key) in lanes]

    def park(self, row: Row, reason: str) -> None:
        """Stored before the cursor passes the row, so a crash in between sends the key again and parks it again."""
        self._session.run(_PARK, (row.key, row.id, reason))
        self._first_ids[row.key] = min(row.id, self._first_ids.get(row.key, row.id))
        _report(row, reason)

    def park_again(self, row: Row, reason: str) -> None:
        """A replay got as far as this row: the next one starts here."""
        self._session.run(_PARK_AGAIN, (row.id, reason, row.key))
        self._first_ids[row.key] = row.id
        _report(row, reason)

    def passed_rows(self, key: str, cursor: Cursor, *, from_id: int | None = None) -> list[Row]:
        """The key's next rows that the lane's cursor has passed; later ones will come with the cursor."""
        parameters: dict[str, Any] = {
            "key": key,
            "first": self._first_ids[key] if from_id is None else from_id,
            "snap": cursor.snap,
            "window": cursor.window,
            "after": cursor.after,
            "rows": REPLAY_ROWS,
        }
        return [Row._make(row) for row in self._session.rows(_PASSED, parameters)]

    def unpark(self, key: str) -> None:
        self._session.run("DELETE FROM outbox_parked WHERE agg_key = %s", (key,))
        del self._first_ids[key]
        log.info("key_unparked", key=key)


def _report(row: Row, reason: str) -> None:
    log.error("key_parked", key=row.key, seq=row.seq, type=row.type, reason=reason, remedy="manage.py outbox unpark")


def request_unpark(*, keys: Sequence[str] | None = None, reasons: Sequence[str] | None = None) -> int:
    """Ask the relay to send parked keys again, from their first waiting message; returns how many were asked for.

    Without keys and reasons it asks for all of them. A key that is refused again is parked again.
    """
    conditions, values = ["unpark_requested_at IS NULL"], []
    if keys is not None:
        conditions.append("agg_key = ANY (%s)")
        values.append(list(keys))
    if reasons is not None:
        conditions.append("reason = ANY (%s)")
        values.append(list(reasons))
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE outbox_parked SET unpark_requested_at = clock_timestamp() WHERE {' AND '.join(conditions)}", values
        )
        return cursor.rowcount
