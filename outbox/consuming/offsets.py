"""Where a consumer group goes on: one row per partition, written in the transaction of the effects.

Kafka's own committed offsets are only advice for monitoring; what is stored here decides.
"""

from collections.abc import Iterable, Mapping

from django.db import connection

from outbox.broker import TopicIdentity
from outbox.consuming.message import Message
from outbox.errors import TopicReplaced

# GREATEST: a member that lost the partition without knowing it must not put its successor back.
_STORE = """
INSERT INTO outbox_consumer_offset (group_id, cluster_id, topic_id, partition, topic, next_offset)
SELECT %s, * FROM unnest(%s::text[], %s::text[], %s::int[], %s::text[], %s::bigint[])
ON CONFLICT (group_id, cluster_id, topic_id, partition) DO UPDATE
   SET next_offset = greatest(outbox_consumer_offset.next_offset, excluded.next_offset), updated_at = clock_timestamp()
"""
_READ = """
SELECT partition, next_offset FROM outbox_consumer_offset WHERE group_id = %s AND cluster_id = %s AND topic_id = %s
"""
_KNOWN = "SELECT DISTINCT cluster_id, topic_id FROM outbox_consumer_offset WHERE group_id = %s AND topic = %s"
_FORGET = """
DELETE FROM outbox_consumer_offset
 WHERE group_id = %s AND topic = %s AND (cluster_id, topic_id) IS DISTINCT FROM (%s, %s)
"""


class OffsetStore:
    """The offsets of one group in topics whose identities are known (by aggregate type)."""

    def __init__(self, group: str, identities: Mapping[str, TopicIdentity]) -> None:
        self._group = group
        self._identities = identities

    def check(self) -> None:
        """Raises TopicReplaced when offsets exist only for an earlier topic of the same name.

        Going on would either skip what the new topic holds or never notice that it is another one.
        """
        with connection.cursor() as cursor:
            for topic, identity in self._identities.items():
                cursor.execute(_KNOWN, (self._group, topic))
                known = cursor.fetchall()
                if known and (identity.cluster_id, identity.topic_id) not in known:
                    raise TopicReplaced(group=self._group, topic=topic, now=identity, stored=known)

    def next_offsets(self, topic: str) -> dict[int, int]:
        """By partition; a partition that is not in it has never been read by this group."""
        identity = self._identities[topic]
        with connection.cursor() as cursor:
            cursor.execute(_READ, (self._group, identity.cluster_id, identity.topic_id))
            return dict(cursor.fetchall())

    def store(self, batch: Iterable[Message]) -> None:
        """Go on behind these messages; call inside the transaction of their effects."""
        reached: dict[tuple[str, int], int] = {}
        for message in batch:
            place = message.topic, message.partition
            reached[place] = max(reached.get(place, 0), message.offset + 1)
        # In one order everywhere, so that two members can never wait for each other's rows.
        places = sorted(reached)
        identities = [self._identities[topic] for topic, _ in places]
        with connection.cursor() as cursor:
            cursor.execute(
                _STORE,
                (
                    self._group,
                    [identity.cluster_id for identity in identities],
                    [identity.topic_id for identity in identities],
                    [partition for _, partition in places],
                    [topic for topic, _ in places],
                    [reached[place] for place in places],
                ),
            )

    def forget_replaced(self, topic: str) -> int:
        """Drop the offsets of earlier topics of this name: the group then reads the present one from its beginning."""
        identity = self._identities[topic]
        with connection.cursor() as cursor:
            cursor.execute(_FORGET, (self._group, topic, identity.cluster_id, identity.topic_id))
            return cursor.rowcount
