"""Membership in a consumer group: which partitions are ours, from where they are read, and when they go."""

from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Any

import structlog
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, TopicPartition
from django.conf import settings
from django.db import DatabaseError, InterfaceError

from outbox import broker
from outbox.consuming.message import Message, from_kafka
from outbox.consuming.offsets import OffsetStore
from outbox.topics import logical_name, physical_name

BATCH_ROWS_MAX = 1000
BATCH_SECONDS = 0.05

log = structlog.get_logger(__name__)

_OPTIONS: dict[str, Any] = {
    "group.protocol": "consumer",
    # Without a stored offset everything is read; the default would skip what was sent before the group existed.
    "auto.offset.reset": "earliest",
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    "queued.max.messages.kbytes": 16384,
    "fetch.wait.max.ms": 100,
}


class Subscription:
    """All calls and all callbacks happen in the thread of the consumer loop, between batches.

    So whenever a partition is taken away, the batch before has been finished and stored.
    """

    def __init__(self, group: str, topics: Sequence[str], offsets: OffsetStore) -> None:
        self._group = settings.KAFKA_GROUP_PREFIX + group
        self._topics = [physical_name(topic) for topic in topics]
        self._offsets = offsets
        self._early: list[Message] = []
        self._is_paused = False
        self.owned: set[tuple[str, int]] = set()
        self.has_changed = False
        self.must_reopen = False

    def __enter__(self) -> "Subscription":
        self._consumer = Consumer(broker.client_settings(**_OPTIONS, **{"group.id": self._group}))
        self._consumer.subscribe(self._topics, on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._revoked)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._consumer.close()

    def fetch(self) -> list[Message]:
        """The next batch, in order within each partition; may be empty. Raises KafkaException when all is lost."""
        early, self._early = self._early, []
        return early or self._consume(BATCH_ROWS_MAX, BATCH_SECONDS)

    def stay(self, seconds: float) -> None:
        """Remain a member while a batch waits; nothing new is fetched meanwhile."""
        if not self._is_paused:
            self._is_paused = True
            self._consumer.pause(self._partitions())
        self._early.extend(self._consume(1, seconds))

    def resume(self) -> None:
        if self._is_paused:
            self._is_paused = False
            self._consumer.resume(self._partitions())

    def still_owned(self, batch: Iterable[Message]) -> list[Message]:
        """Without the messages of partitions that have gone: their new owner reads them from the stored offset."""
        return [message for message in batch if (message.topic, message.partition) in self.owned]

    def advise(self, reached: Iterable[Message]) -> None:
        """Tell Kafka how far we are, for those who watch lag there; it may fail without harm."""
        last: dict[tuple[str, int], int] = {}
        for message in reached:
            last[message.topic, message.partition] = message.offset + 1
        places = [
            TopicPartition(physical_name(topic), partition, offset) for (topic, partition), offset in last.items()
        ]
        try:
            self._consumer.commit(offsets=places, asynchronous=True)
        except KafkaException as error:
            log.debug("advisory_commit_failed", error=str(error))

    def _consume(self, rows: int, seconds: float) -> list[Message]:
        messages = []
        for raw in self._consumer.consume(rows, seconds):
            error = raw.error()
            if error is None:
                messages.append(from_kafka(raw))
            elif error.fatal():
                raise KafkaException(error)
            else:
                log.info("kafka_trouble", code=error.name(), error=error.str())
        return messages

    def _partitions(self) -> list[TopicPartition]:
        return [TopicPartition(physical_name(topic), partition) for topic, partition in self.owned]

    def _assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        try:
            stored = {topic: self._offsets.next_offsets(logical_name(topic)) for topic in {p.topic for p in partitions}}
        except (DatabaseError, InterfaceError) as error:
            # Without PostgreSQL we do not know where to begin, so nothing is read and the group is joined anew.
            log.warning("offsets_unknown", group=self._group, error=str(error).strip())
            self.must_reopen = True
            consumer.incremental_assign(partitions)
            consumer.pause(partitions)
            return
        for place in partitions:
            place.offset = stored[place.topic].get(place.partition, OFFSET_BEGINNING)
        consumer.incremental_assign(partitions)
        if self._is_paused:
            consumer.pause(partitions)
        self.owned.update((logical_name(place.topic), place.partition) for place in partitions)
        self.has_changed = True
        log.info("partitions_assigned", group=self._group, owned=len(self.owned))

    def _revoked(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self.owned.difference_update((logical_name(place.topic), place.partition) for place in partitions)
        consumer.incremental_unassign(partitions)
        log.info("partitions_revoked", group=self._group, owned=len(self.owned))
