"""The consumer loop: every message at least once, in order per key, and nothing skipped whatever fails."""

import json
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from confluent_kafka import Producer

from outbox import broker
from outbox.consuming import ConsumerLoop, Message
from outbox.consuming.dead_letters import request_unpark
from outbox.consuming.offsets import OffsetStore
from outbox.errors import TopicReplaced
from outbox.lanes import partition_of
from outbox.models import ConsumerGuard, ConsumerOffset, ConsumerParked, DeadLetter
from outbox.topics import partitions_of, physical_name
from tests.integration.outbox.scratch import TOPIC, TYPE, eventually, first_times, new_keys


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


@pytest.fixture
def group() -> str:
    return f"test-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def consume(group: str) -> Iterator[Callable[[Remembering], RunningLoop]]:
    started: list[RunningLoop] = []

    def start(projection: Remembering) -> RunningLoop:
        started.append(RunningLoop(group, projection))
        return started[-1]

    yield start
    for loop in started:
        loop.stop()


def send(*events: tuple[str, int], headers: bool = True) -> None:
    """Write messages as the relay would, without a relay."""
    producer = Producer(broker.client_settings())
    for key, seq in events:
        known = [("ce_id", str(uuid.uuid4())), ("ce_type", TYPE), ("agg_seq", str(seq))]
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


def test_a_new_group_starts_with_the_first_message_and_offsets_survive_a_restart(
    consume: Callable[[Remembering], RunningLoop], group: str
) -> None:
    keys = new_keys(8)
    send(*[(key, seq) for seq in (1, 2, 3) for key in keys])
    first = Remembering()
    loop = consume(first)
    eventually(has(first, dict.fromkeys(keys, 3)))
    loop.stop()
    assert ConsumerOffset.objects.filter(group_id=group).count() == partitions_of(TOPIC)

    send(*[(key, 4) for key in keys])
    second = Remembering()
    consume(second)
    eventually(has(second, dict.fromkeys(keys, 4)))

    for key in keys:
        assert first.sequences(key) == [1, 2, 3]
        assert second.sequences(key) == [4]


def test_messages_carry_what_the_relay_sent(consume: Callable[[Remembering], RunningLoop]) -> None:
    (key,) = new_keys(1)
    projection = Remembering()
    consume(projection)
    send((key, 7))
    eventually(has(projection, {key: 7}))

    (message,) = (message for message in projection.recorded if message.key == key)
    assert (message.topic, message.type, message.seq, message.value) == (TOPIC, TYPE, 7, b'{"seq": 7}')
    assert message.partition == partition_of(key, partitions_of(TOPIC))
    assert isinstance(message.event_id, uuid.UUID)


def test_poison_is_parked_its_neighbours_go_on_and_unparking_restores_the_order(
    consume: Callable[[Remembering], RunningLoop], group: str
) -> None:
    poisoned, *others = new_keys(10)
    is_mended = threading.Event()

    def fault(message: Message) -> None:
        if message.key == poisoned and message.seq == 2 and not is_mended.is_set():
            raise ValueError("cannot read this")

    projection = Remembering(fault)
    consume(projection)
    send(*[(key, seq) for seq in (1, 2, 3, 4) for key in [poisoned, *others]])
    eventually(has(projection, dict.fromkeys(others, 4)))
    eventually(lambda: DeadLetter.objects.filter(group_id=group, agg_key=poisoned).count() == 3)
    parked = ConsumerParked.objects.get(group_id=group)
    assert (parked.agg_key, parked.first_seq, parked.reason) == (poisoned, 2, "ValueError: cannot read this")
    assert projection.sequences(poisoned) == [1]

    is_mended.set()
    assert request_unpark(group=group) == 1
    eventually(lambda: not ConsumerParked.objects.filter(group_id=group).exists())
    send((poisoned, 5))
    eventually(has(projection, {poisoned: 5}))

    assert projection.sequences(poisoned) == [1, 2, 3, 4, 5]
    assert not DeadLetter.objects.filter(group_id=group, agg_key=poisoned, redriven_at=None).exists()
    for key in others:
        assert first_times(projection.sequences(key)) == [1, 2, 3, 4]


def test_what_fails_again_is_parked_again_with_the_new_reason(
    consume: Callable[[Remembering], RunningLoop], group: str
) -> None:
    (key,) = new_keys(1)
    reason = ["first"]

    def fault(message: Message) -> None:
        if message.key == key:
            raise ValueError(reason[0])

    consume(Remembering(fault))
    send((key, 1))
    eventually(lambda: ConsumerParked.objects.filter(group_id=group, reason="ValueError: first").exists())

    reason[0] = "second"
    request_unpark(group=group, keys=[key])

    eventually(lambda: ConsumerParked.objects.filter(group_id=group, reason="ValueError: second").exists())
    assert ConsumerParked.objects.get(group_id=group).unpark_requested_at is None
    assert DeadLetter.objects.filter(group_id=group, agg_key=key).count() == 1


def test_an_outage_is_waited_for_and_the_batch_comes_again(
    consume: Callable[[Remembering], RunningLoop], group: str
) -> None:
    keys = new_keys(5)
    is_away, attempts = threading.Event(), []
    is_away.set()

    def fault(message: Message) -> None:
        if is_away.is_set():
            attempts.append(message.seq)
            raise ConnectionError("Cassandra is away")

    projection = Remembering(fault)
    consume(projection)
    send(*[(key, seq) for seq in (1, 2) for key in keys])
    eventually(lambda: len(attempts) > 3)
    assert projection.recorded == []

    is_away.clear()
    eventually(has(projection, dict.fromkeys(keys, 2)))

    for key in keys:
        assert projection.sequences(key) == [1, 2]
    assert not DeadLetter.objects.filter(group_id=group, agg_key__in=keys).exists()


def test_a_stop_during_an_outage_is_heard(consume: Callable[[Remembering], RunningLoop], group: str) -> None:
    (key,) = new_keys(1)
    attempts: list[int] = []

    def fault(message: Message) -> None:
        attempts.append(message.seq)
        raise TimeoutError

    loop = consume(Remembering(fault))
    send((key, 1))
    eventually(lambda: attempts)

    loop.stop()

    assert not ConsumerOffset.objects.filter(group_id=group, next_offset__gt=0).exists()


def test_effects_and_offsets_are_one_transaction(consume: Callable[[Remembering], RunningLoop], group: str) -> None:
    (key,) = new_keys(1)

    class Failing(Remembering):
        """Writes through the loop's own transaction and fails behind the write, once."""

        failures = 0

        def record(self, batch: Sequence[Message]) -> None:
            if any(message.key == key for message in batch):
                ConsumerGuard.objects.bulk_create([ConsumerGuard(group_id=group, agg_key=key, last_seq=self.failures)])
                if not self.failures:
                    self.failures += 1
                    raise ConnectionError("lost in the middle")
            super().record(batch)

    projection = Failing()
    consume(projection)
    send((key, 1))
    eventually(has(projection, {key: 1}))

    # The first write went with its transaction, and the batch came again.
    eventually(lambda: list(ConsumerGuard.objects.filter(group_id=group).values_list("last_seq", flat=True)) == [1])
    assert [message.key for message in projection.projected].count(key) == 2
    assert projection.sequences(key) == [1]


def test_a_message_of_somebody_else_becomes_a_dead_letter(
    consume: Callable[[Remembering], RunningLoop], group: str
) -> None:
    stranger, ours = new_keys(2)
    projection = Remembering()
    consume(projection)
    send((stranger, 1), headers=False)
    send((ours, 1))

    eventually(has(projection, {ours: 1}))
    letter = eventually(lambda: DeadLetter.objects.filter(group_id=group, event_id=None).last())

    assert "something else wrote to the topic" in letter.reason
    assert bytes(letter.payload) == b'{"seq": 1}'
    assert projection.sequences(stranger) == []


def test_two_members_share_the_partitions_and_the_rest_takes_over(
    consume: Callable[[Remembering], RunningLoop], group: str
) -> None:
    keys = new_keys(40)
    one, two = Remembering(), Remembering()
    first = consume(one)
    send(*[(key, 1) for key in keys])
    eventually(has(one, dict.fromkeys(keys, 1)))
    consume(two)
    seq = [1]

    def both_work() -> bool:
        seq[0] += 1
        send(*[(key, seq[0]) for key in keys])
        return bool(two.recorded)

    eventually(both_work, seconds_max=60)
    first.stop()
    last = seq[0] + 1
    send(*[(key, last) for key in keys])

    eventually(has(two, dict.fromkeys(keys, last)), seconds_max=30)
    for key in keys:
        seen = one.sequences(key) + two.sequences(key)
        assert first_times(sorted(seen)) == list(range(1, last + 1))
        assert one.sequences(key) == sorted(one.sequences(key))


def test_offsets_of_another_topic_of_the_same_name_stop_the_group(
    consume: Callable[[Remembering], RunningLoop], group: str
) -> None:
    (key,) = new_keys(1)
    identity = broker.identities(broker.admin(), [physical_name(TOPIC)])[physical_name(TOPIC)]
    replaced = broker.TopicIdentity(identity.cluster_id, "an-earlier-topic-id")
    message = Message(TOPIC, 0, 41, key, b"", TYPE, 1, None, None)
    OffsetStore(group, {TOPIC: replaced}).store([message])
    offsets = OffsetStore(group, {TOPIC: identity})

    with pytest.raises(TopicReplaced, match="outbox doctor"):
        offsets.check()

    assert offsets.forget_replaced(TOPIC) == 1
    offsets.check()
    projection: Any = Remembering()
    consume(projection)
    send((key, 2))
    eventually(has(projection, {key: 2}))


def test_an_offset_never_goes_back(group: str) -> None:
    identity = broker.TopicIdentity("cluster", "topic")
    offsets = OffsetStore(group, {TOPIC: identity})

    offsets.store([Message(TOPIC, 3, 90, "", b"", "", 1, None, None)])
    offsets.store([Message(TOPIC, 3, 10, "", b"", "", 1, None, None)])

    assert offsets.next_offsets(TOPIC) == {3: 91}
