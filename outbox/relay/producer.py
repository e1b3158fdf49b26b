"""The idempotent Kafka producer of a relay: explicit partitions, no time-outs, no reordering."""

from collections.abc import Callable
from typing import Any

import structlog
from confluent_kafka import KafkaError, KafkaException, Producer

from outbox import broker
from outbox.relay.poll import Row
from outbox.topics import partitions_of, physical_name

log = structlog.get_logger(__name__)

Headers = list[tuple[str, str | bytes | None]]
Delivery = Callable[[KafkaError | None, Any], None]

# The message will be refused however often it is sent: its key is parked and the other keys go on.
REFUSALS = frozenset(
    {
        KafkaError.MSG_SIZE_TOO_LARGE,
        KafkaError.RECORD_LIST_TOO_LARGE,
        KafkaError.INVALID_RECORD,
        KafkaError.INVALID_MSG_SIZE,
        KafkaError.POLICY_VIOLATION,
        KafkaError.TOPIC_EXCEPTION,
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError._UNKNOWN_TOPIC,
        KafkaError._UNKNOWN_PARTITION,
    }
)

_COMMON: dict[str, Any] = {
    "acks": "all",
    # A message that timed out would leave a gap with later ones already delivered, so none ever does.
    "message.timeout.ms": 0,
    "compression.type": "lz4",
    # How long a topic may be unknown before its messages are refused: long enough for a topic just made.
    "topic.metadata.propagation.max.ms": 5000,
    "queue.buffering.max.kbytes": 65536,
}

IN_ORDER: dict[str, Any] = {
    **_COMMON,
    "enable.idempotence": True,
    # A message that is refused stops the producer, instead of letting later ones pass.
    "enable.gapless.guarantee": True,
    "linger.ms": 1,
}
# For one message at a time, each awaited: then there is no order to lose, and no need to stop after a refusal.
ONE_BY_ONE: dict[str, Any] = {**_COMMON, "max.in.flight": 1, "linger.ms": 0}


class Publisher:
    """One producer at a time, made on first use in the thread of the relay, replaced when it has stopped."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._options = options
        self._made: Producer | None = None
        self.stopped_by: KafkaError | None = None
        self._destinations: dict[str, tuple[str, int]] = {}

    def send(self, row: Row, on_delivery: Delivery) -> None:
        """Hand a message to the producer. Raises BufferError when its queue is full, KafkaException on refusal."""
        topic, partitions = self._destination(row.topic)
        headers: Headers = [("ce_id", row.event_id), ("ce_type", row.type), ("agg_seq", str(row.seq))]
        if row.traceparent:
            headers.append(("traceparent", row.traceparent))
        # The partition is always given: librdkafka does not order explicit and hashed messages together.
        self._producer.produce(
            topic, row.payload, row.key, row.lane % partitions, on_delivery=on_delivery, headers=headers
        )

    def warm_up(self) -> None:
        """Connect before there is anything to send: the first message then does not wait for it."""
        self._producer.poll(0)

    def poll(self, seconds: float) -> None:
        """Wait for acknowledgements up to so long and run their callbacks in this thread.

        A producer that cannot go on without leaving a gap stops: `stopped_by` then says why, until discard().
        """
        if self._made is None:
            return
        try:
            self._made.poll(seconds)
        except KafkaException as failure:
            self.stopped_by = error_of(failure)
            # The first call told only of the stop; the reports on the messages are still waiting.
            self._made.poll(0)

    def discard(self) -> None:
        """Forget everything that was not acknowledged; the next send starts with a new producer."""
        made, self._made = self._made, None
        self.stopped_by = None
        if made is not None:
            made.purge(in_queue=True, in_flight=True, blocking=False)

    @property
    def _producer(self) -> Producer:
        if self._made is None:
            self._made = Producer(broker.client_settings(**self._options, error_cb=_report))
        return self._made

    def _destination(self, aggregate_type: str) -> tuple[str, int]:
        found = self._destinations.get(aggregate_type)
        if found is None:
            found = physical_name(aggregate_type), partitions_of(aggregate_type)
            self._destinations[aggregate_type] = found
        return found


def error_of(error: KafkaException) -> KafkaError:
    found: KafkaError = error.args[0]
    return found


def _report(error: KafkaError) -> None:
    # Told per message, too; here only so that an outage shows in the log while nothing is being sent.
    log.info("kafka_trouble", code=error.name(), error=error.str())
