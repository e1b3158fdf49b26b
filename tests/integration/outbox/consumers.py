"""Consumers under test, and a way to send them messages without a relay."""

import json
import threading
import uuid
from collections.abc import Callable, Sequence

from confluent_kafka import Producer

from outbox import broker
from outbox.consuming import ConsumerLoop, Message
from outbox.lanes import partition_of
from outbox.relay.producer import Headers
from outbox.topics import partitions_of, physical_name
from tests.integration.outbox.scratch import TOPIC, TYPE


class Remembering:
    """A projection that remembers; `fault` may raise for a message."""

    def __init__(self, fault: Callable[[Message], None] = lambda message: None) -> None:
        self.fault = fault
        self.projected: list[Message] = []
        self.recorded: list[Message] = []
        self._sequences: dict[str, list[int]] = {}

    def project(self, batch: Sequence[Message]) -> None:
        for message in batch:
            self.fault(message)
        self.projected.extend(batch)

    def record(self, batch: Sequence[Message]) -> None:
        self.recorded.extend(batch)
        for message in batch:
            self._sequences.setdefault(message.key, []).append(message.seq)

    def sequences(self, key: str) -> list[int]:
        return list(self._sequences.get(key, ()))


class RunningLoop:
    def __init__(self, group: str, projection: Remembering) -> None:
        self._stop = threading.Event()
        self.loop = ConsumerLoop(group, [TOPIC], projection, self._stop)
        self._thread = threading.Thread(target=self.loop.run, name="consumer under test")
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(15)
        assert not self._thread.is_alive()


def send(*events: tuple[str, int], headers: bool = True) -> None:
    """Write messages as the relay would, without a relay."""
    producer = Producer(broker.client_settings())
    for key, seq in events:
        known: Headers = [("ce_id", str(uuid.uuid4())), ("ce_type", TYPE), ("agg_seq", str(seq))]
        producer.produce(
            physical_name(TOPIC),
            json.dumps({"seq": seq}).encode(),
            key,
            partition_of(key, partitions_of(TOPIC)),
            headers=known if headers else [],
        )
    producer.flush(10)


def has(projection: Remembering, expected: dict[str, int]) -> Callable[[], bool]:
    return lambda: all(last in projection.sequences(key) for key, last in expected.items())
