"""Messages a group could not process: stored complete, with their later companions, until someone unparks the key."""

from collections.abc import Sequence
from typing import Any

import structlog
from django.db import connection

from outbox.consuming.message import Message

REDRIVE_ROWS = 200

log = structlog.get_logger(__name__)

_STORE = """
INSERT INTO outbox_dead_letter
       (group_id, topic, partition, kafka_offset, agg_key, agg_seq, type, event_id, traceparent, payload, reason)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (group_id, event_id) WHERE redriven_at IS NULL DO NOTHING
"""
_PARK = """
INSERT INTO outbox_consumer_parked (group_id, agg_key, first_seq, reason) VALUES (%s, %s, %s, %s)
ON CONFLICT (group_id, agg_key) DO UPDATE SET reason = excluded.reason, unpark_requested_at = NULL
"""
_WAITING = """
SELECT id, topic, partition, kafka_offset, agg_key, payload, type, agg_seq, event_id, traceparent
  FROM outbox_dead_letter WHERE group_id = %s AND agg_key = %s AND redriven_at IS NULL
 ORDER BY agg_seq, id LIMIT %s
"""
_REQUEST = """
UPDATE outbox_consumer_parked SET unpark_requested_at = clock_timestamp()
 WHERE unpark_requested_at IS NULL
   AND (%s::text IS NULL OR group_id = %s) AND (%s::text[] IS NULL OR agg_key = ANY (%s))
"""


class DeadLetters:
    """The parked keys and dead letters of one group. A key is handled by the member that owns its partition."""

    def __init__(self, group: str) -> None:
        self._group = group
        self._parked: set[str] = set()

    def load(self) -> None:
        """Read which keys are parked; after every assignment, since the last owner may have parked some."""
        self._parked = {row[0] for row in self._rows("SELECT agg_key FROM outbox_consumer_parked WHERE group_id = %s")}

    def is_parked(self, key: str) -> bool:
        return key in self._parked

    def requested(self) -> list[str]:
        """Keys that someone asked to unpark."""
        statement = "SELECT agg_key FROM outbox_consumer_parked WHERE group_id = %s AND unpark_requested_at IS NOT NULL"
        return [row[0] for row in self._rows(statement)]

    def store(self, message: Message, reason: str) -> None:
        """Keep the message; a second copy of the same event is not kept. Call inside a transaction."""
        self._run(
            _STORE,
            message.topic,
            message.partition,
            message.offset,
            message.key,
            message.seq,
            message.type,
            message.event_id,
            message.traceparent,
            message.value,
            reason,
        )

    def park(self, message: Message, reason: str) -> None:
        """Keep the message and hold the later ones of its key; call inside a transaction, then note_parked()."""
        self.store(message, reason)
        self._run(_PARK, message.key, message.seq, reason)
        log.error(
            "message_set_aside",
            group=self._group,
            type=message.type,
            key=message.key,
            seq=message.seq,
            reason=reason,
            remedy="manage.py outbox unpark",
        )

    def note_parked(self, key: str) -> None:
        """The transaction that parked the key is committed."""
        self._parked.add(key)

    def waiting(self, key: str) -> list[tuple[int, Message]]:
        """The key's next dead letters with their row ids, in order of sequence."""
        return [
            (row_id, Message(topic, partition, offset, key, bytes(payload), *rest))
            for row_id, topic, partition, offset, key, payload, *rest in self._rows(_WAITING, key, REDRIVE_ROWS)
        ]

    def mark_redriven(self, row_id: int) -> None:
        self._run(
            "UPDATE outbox_dead_letter SET redriven_at = clock_timestamp() WHERE group_id = %s AND id = %s", row_id
        )

    def unpark(self, key: str) -> None:
        self._run("DELETE FROM outbox_consumer_parked WHERE group_id = %s AND agg_key = %s", key)
        self._parked.discard(key)
        log.info("key_unparked", group=self._group, key=key)

    def _run(self, statement: str, *values: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement, (self._group, *values))

    def _rows(self, statement: str, *values: Any) -> list[Any]:
        with connection.cursor() as cursor:
            cursor.execute(statement, (self._group, *values))
            return cursor.fetchall()


def request_unpark(*, group: str | None = None, keys: Sequence[str] | None = None) -> int:
    """Ask the consumers to process parked keys again, from their first dead letter; returns how many were asked for."""
    wanted = list(keys) if keys is not None else None
    with connection.cursor() as cursor:
        cursor.execute(_REQUEST, (group, group, wanted, wanted))
        return cursor.rowcount
