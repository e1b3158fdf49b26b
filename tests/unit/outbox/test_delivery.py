"""How a batch gets through its projection: retries, halving, parking. Storage is replaced by lists."""

import threading
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

import pytest

from outbox.consuming import delivery as module
from outbox.consuming.delivery import Delivery
from outbox.consuming.message import Message

Deliver = Callable[..., None]


def message(key: str, seq: int, *, partition: int = 0, offset: int | None = None, problem: str = "") -> Message:
    place = seq if offset is None else offset
    return Message("orders.order", partition, place, key, b"{}", "orders.order.placed.v1", seq, None, None, problem)


class Stores:
    """Offsets, dead letters and membership at once, in memory."""

    def __init__(self, owned: set[int] | None = None) -> None:
        self.offsets: list[int] = []
        self.dead: list[tuple[str, int]] = []
        self.parked: set[str] = set()
        self.owned = owned
        self.stays = 0

    def store(self, *arguments: Any) -> None:
        if len(arguments) == 1:
            self.offsets.extend(message.offset for message in arguments[0])
        else:
            self.dead.append((arguments[0].key, arguments[0].seq))

    def park(self, parked: Message, reason: str) -> None:
        self.dead.append((parked.key, parked.seq))

    def note_parked(self, key: str) -> None:
        self.parked.add(key)

    def is_parked(self, key: str) -> bool:
        return key in self.parked

    def still_owned(self, batch: Sequence[Message]) -> list[Message]:
        return [item for item in batch if self.owned is None or item.partition in self.owned]

    def stay(self, seconds: float) -> None:
        self.stays += 1

    def resume(self) -> None:
        pass


class Recording:
    """A projection that fails as told and remembers what it recorded."""

    def __init__(self, *, poison: set[tuple[str, int]] = frozenset(), outages: int = 0) -> None:  # type: ignore[assignment]
        self.poison = poison
        self.outages = outages
        self.recorded: list[tuple[str, int]] = []
        self.projects = 0

    def project(self, batch: Sequence[Message]) -> None:
        self.projects += 1
        if self.outages:
            self.outages -= 1
            raise ConnectionError("away")
        if any((item.key, item.seq) in self.poison for item in batch):
            raise ValueError("poison")

    def record(self, batch: Sequence[Message]) -> None:
        self.recorded.extend((item.key, item.seq) for item in batch)


@pytest.fixture
def deliver(monkeypatch: pytest.MonkeyPatch) -> Deliver:
    """Delivery with everything but its own rules replaced."""
    monkeypatch.setattr(module.transaction, "atomic", nullcontext)
    monkeypatch.setattr(module.connection, "close", lambda: None)
    monkeypatch.setattr(module.Backoff, "next_delay", lambda self: 0.001)

    def run(
        batch: Sequence[Message], projection: Recording, stores: Stores, stop: threading.Event | None = None
    ) -> None:
        everything: Any = stores
        Delivery(projection, everything, everything, everything, stop or threading.Event()).deliver(batch)

    return run


def test_a_good_batch_is_projected_once_and_recorded_whole(deliver: Deliver) -> None:
    stores, projection = Stores(), Recording()

    deliver([message("a", 1), message("b", 2)], projection, stores)

    assert projection.recorded == [("a", 1), ("b", 2)]
    assert projection.projects == 1
    assert stores.offsets == [1, 2]


def test_poison_is_set_aside_and_its_neighbours_go_on(deliver: Deliver) -> None:
    batch = [message(key, seq, offset=10 * seq + number) for seq in (1, 2, 3) for number, key in enumerate("abcde")]
    stores, projection = Stores(), Recording(poison={("c", 2)})

    deliver(batch, projection, stores)

    assert stores.dead == [("c", 2), ("c", 3)]
    assert projection.recorded == [(m.key, m.seq) for m in batch if (m.key, m.seq) not in {("c", 2), ("c", 3)}]
    assert stores.offsets == [m.offset for m in batch]


def test_messages_of_a_parked_key_are_held_without_being_tried(deliver: Deliver) -> None:
    stores, projection = Stores(), Recording()
    stores.parked.add("a")

    deliver([message("a", 7), message("b", 1)], projection, stores)

    assert stores.dead == [("a", 7)]
    assert projection.recorded == [("b", 1)]


def test_an_unreadable_message_becomes_a_dead_letter_and_parks_nothing(deliver: Deliver) -> None:
    stores, projection = Stores(), Recording()

    deliver([message("", 0, problem="no headers"), message("b", 1)], projection, stores)

    assert stores.dead == [("", 0)]
    assert stores.parked == set()
    assert projection.recorded == [("b", 1)]


def test_a_server_that_is_away_is_waited_for_and_nothing_is_skipped(deliver: Deliver) -> None:
    stores, projection = Stores(), Recording(outages=5)

    deliver([message("a", 1), message("a", 2)], projection, stores)

    assert projection.recorded == [("a", 1), ("a", 2)]
    # Five times away; then the first message alone, as what was refused is halved, and the second.
    assert projection.projects == 7
    assert stores.dead == []
    assert stores.stays > 0


def test_a_stop_ends_the_waiting_and_stores_nothing(deliver: Deliver) -> None:
    stores, projection, stop = Stores(), Recording(outages=1_000_000), threading.Event()
    stop.set()

    deliver([message("a", 1)], projection, stores, stop)

    assert projection.recorded == []
    assert stores.offsets == []


def test_messages_of_a_partition_that_has_gone_are_left_to_its_new_owner(deliver: Deliver) -> None:
    stores, projection = Stores(owned={1}), Recording()

    deliver([message("a", 1, partition=0), message("b", 2, partition=1)], projection, stores)

    assert projection.recorded == [("b", 2)]
    assert stores.offsets == [2]


def test_an_error_that_says_it_is_retryable_is_retried(deliver: Deliver) -> None:
    class Busy(Exception):
        retryable = True

    class Projection(Recording):
        def record(self, batch: Sequence[Message]) -> None:
            if not self.recorded and self.projects < 3:
                raise Busy
            super().record(batch)

    stores, projection = Stores(), Projection()

    deliver([message("a", 1)], projection, stores)

    assert projection.recorded == [("a", 1)]
    assert stores.dead == []
