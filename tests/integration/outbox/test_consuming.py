"""The consumer loop: every message at least once, in order per key, from the stored offset on."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from outbox import broker
from outbox.consuming import Message
from outbox.consuming.offsets import OffsetStore
from outbox.errors import TopicReplaced
from outbox.lanes import partition_of
from outbox.models import ConsumerOffset
from outbox.topics import partitions_of, physical_name
from tests.integration.outbox.consumers import Remembering, RunningLoop, has, send
from tests.integration.outbox.scratch import TOPIC, TYPE, first_times, new_keys
from tests.waiting import eventually


def test_a_new_group_starts_with_the_first_message_and_offsets_survive_a_restart(
    consume: Callable[[Remembering], RunningLoop], group: str
) -> None:
    keys = new_keys(8)
    send(*[(key, seq) for seq in (1, 2, 3) for key in keys])
    first = Remembering()
    loop = consume(first)
    eventually(has(first, dict.fromkeys(keys, 3)))
    loop.stop()
    stored = set(ConsumerOffset.objects.filter(group_id=group).values_list("partition", flat=True))
    assert stored >= {partition_of(key, partitions_of(TOPIC)) for key in keys}

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
