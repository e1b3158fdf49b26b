"""What a consumer does when a message or a server fails: nothing is skipped, and nobody else waits."""

import threading
from collections.abc import Callable, Sequence

from outbox.consuming import Message
from outbox.consuming.dead_letters import request_unpark
from outbox.models import ConsumerGuard, ConsumerOffset, ConsumerParked, DeadLetter
from tests.integration.outbox.consumers import Remembering, RunningLoop, has, send
from tests.integration.outbox.scratch import first_times, new_keys
from tests.waiting import eventually


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


def test_a_server_that_takes_little_at_a_time_gets_little_and_everything_arrives(
    consume: Callable[[Remembering], RunningLoop], group: str
) -> None:
    keys = new_keys(40)
    ours = set(keys)

    class Overloaded(Remembering):
        """Fails for whoever brings more than three messages at once, and keeps nothing of what it was given then."""

        refused = 0

        def project(self, batch: Sequence[Message]) -> None:
            # Other tests' messages are in the topic too.
            if sum(message.key in ours for message in batch) > 3:
                self.refused += 1
                raise TimeoutError("too much at once")
            super().project(batch)

    projection = Overloaded()
    send(*[(key, seq) for seq in (1, 2) for key in keys])
    consume(projection)

    eventually(has(projection, dict.fromkeys(keys, 2)))

    assert projection.refused > 0
    assert all(projection.sequences(key) == [1, 2] for key in keys)
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
