"""Relay, topic and consumers of the small world; the sink inside a consumer is the project's own."""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from zlib import crc32

from payments_ledger.errors import LedgerUnavailable
from payments_ledger.sink import LedgerProjection
from tests.factories.ledger_events import Message
from tests.simulation.books import Books, Event, Key

PARTITIONS = 4
BATCH_MAX = 12


class Crashed(BaseException):
    """The process is killed here. Not an Exception: nothing may catch it but the supervisor."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """How often the way from the outbox to a sink goes wrong, as probabilities."""

    lost: float = 0.0  # acknowledged by the broker, and never seen again
    doubled: float = 0.0
    swapped: float = 0.0  # changes places with an earlier message of the same send
    crash: float = 0.0  # at a request to Cassandra
    commit_fails: float = 0.0


@dataclass(slots=True)
class Topic:
    partitions: list[list[Message]] = field(default_factory=lambda: [[] for _ in range(PARTITIONS)])
    relayed: int = 0
    lost: set[Key] = field(default_factory=set)
    seen: Counter[str] = field(default_factory=Counter)

    def relay(self, rng: random.Random, books: Books, trouble: Trouble, *, most: int) -> None:
        """Send the next messages of the outbox, some of them again and some out of their order."""
        sent: list[Event] = []
        for event in books.outbox[self.relayed : self.relayed + most]:
            self.relayed += 1
            if rng.random() < trouble.lost:
                self.seen["lost"] += 1
                self.lost.add(event.key)
                continue
            sent += [event] * (2 if rng.random() < trouble.doubled else 1)
            if len(sent) > 1 and rng.random() < trouble.swapped:
                self.seen["swapped"] += 1
                other = rng.randrange(len(sent))
                sent[-1], sent[other] = sent[other], sent[-1]
        for event in sent:
            self._append(event)
        if self.relayed and rng.random() < trouble.doubled:
            self.seen["relayed again"] += 1
            # A relay that was killed sends again from where it last knew that it was.
            self.relayed -= rng.randint(0, min(self.relayed, 5))

    def _append(self, event: Event) -> None:
        partition = self.partitions[crc32(str(event.payment_id).encode()) % 64 % PARTITIONS]
        partition.append(Message(key=str(event.payment_id), seq=event.seq, value=event.body))


@dataclass(slots=True)
class Consumer:
    """One process of the ledger role. `skew_us` is how wrong its clock is."""

    skew_us: int
    make_sink: Callable[[], LedgerProjection] = LedgerProjection
    owned: set[int] = field(default_factory=set)
    positions: dict[int, int] = field(default_factory=dict)
    is_busy: bool = False
    is_doomed: bool = False
    sink: LedgerProjection = field(init=False)

    def __post_init__(self) -> None:
        self.sink = self.make_sink()

    def own(self, partitions: set[int], committed: dict[int, int]) -> None:
        self.owned = partitions
        self.positions = {partition: committed.get(partition, 0) for partition in sorted(partitions)}

    def restart(self, committed: dict[int, int]) -> None:
        self.sink, self.is_doomed = self.make_sink(), False
        self.own(self.owned, committed)

    def fetch(self, rng: random.Random, topic: Topic) -> tuple[list[Message], dict[int, int]]:
        """Some messages, and the positions behind them."""
        batch: list[Message] = []
        after = dict(self.positions)
        for partition in rng.sample(sorted(self.owned), len(self.owned)):
            start = after[partition]
            taken = topic.partitions[partition][start : start + rng.randint(1, BATCH_MAX)]
            batch += taken
            after[partition] = start + len(taken)
        return batch, after

    def deliver(
        self,
        batch: list[Message],
        after: dict[int, int],
        *,
        books: Books,
        committed: dict[int, int],
        commit_fails: Callable[[], bool],
    ) -> bool:
        """Project and record, as outbox.consuming does. False when Cassandra did not take everything."""
        try:
            self.sink.project(batch)
        except LedgerUnavailable:
            return False
        try:
            with books.transaction():
                self.sink.record(batch)
                if commit_fails():
                    raise ConnectionError("lost before the commit")
                for partition, offset in after.items():
                    committed[partition] = max(offset, committed.get(partition, 0))
        except ConnectionError:
            return False
        self.positions = {partition: after.get(partition, offset) for partition, offset in self.positions.items()}
        return True
