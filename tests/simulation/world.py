"""The small world: payments are born and paid, sinks crash, Cassandra loses answers, and somebody verifies meanwhile.

Everything follows from one seed. What is under test is the project's own code: bodies and rows, gaps, statements,
LedgerProjection, replay and verification. Only PostgreSQL, Kafka and Cassandra are played.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Any

import pytest

from payments_ledger import current_names, replay, session, writing
from payments_ledger.reconciliation import scanning
from payments_ledger.sink import LedgerProjection
from payments_ledger.tables import PAYMENT_EVENTS
from tests.simulation import lives
from tests.simulation.books import Books, Key
from tests.simulation.chances import some_trouble, some_weather
from tests.simulation.coordinator import QUORUM, Coordinator, Weather
from tests.simulation.topic import PARTITIONS, Consumer, Topic, Trouble
from tests.simulation.turns import Turns

HOUR_US = 3_600_000_000


@dataclass(frozen=True, slots=True)
class Sabotage:
    """What a negative control replaces, so that the checks can be seen to fail."""

    apply: Callable[[pytest.MonkeyPatch, "World"], None] = lambda patch, world: None
    make_sink: Callable[[], LedgerProjection] = LedgerProjection
    quorum: int = QUORUM


class World(Turns):
    def __init__(self, seed: int, *, sabotage: Sabotage | None = None) -> None:
        self.seed = seed
        self.rng = random.Random(seed)
        self.sabotage = sabotage or Sabotage()
        rng = self.rng
        start = datetime(2026, rng.randint(1, 12), rng.randint(1, 28), rng.choice([0, 12, 23]), 59, 30, tzinfo=UTC)
        self.now_us = int(start.timestamp()) * 1_000_000
        self.step_us = rng.choice([2_000, 100_000, 2_000_000, 30_000_000])
        self.buckets = {start.date(): rng.choice([1, 4]), date.max: rng.choice([4, 8])}
        self.books = Books(now_us=lambda: self.now_us, bucket_count=self.bucket_count)
        self.books.pause = self._some_others
        self.cassandra = Coordinator(rng, clock=self.actors_clock, quorum=self.sabotage.quorum)
        self.cassandra.before_request = self._others
        self.weather = some_weather(rng)
        self.trouble = some_trouble(rng)
        self.topic = Topic()
        self.committed: dict[int, int] = {}
        skews = [rng.choice([-HOUR_US, -5_000_000, 0, 0, 5_000_000, HOUR_US]) for _ in range(rng.randint(1, 3))]
        self.consumers = [Consumer(skew_us=skew, make_sink=self.sabotage.make_sink) for skew in skews]
        self.users = [lives.random_id(rng) for _ in range(3)]
        self.payments: list[Any] = []
        self.open: list[tuple[Any, Any, dict[str, Any]]] = []
        self.actors: list[Consumer | None] = [None]
        self.delivered: set[Key] = set()
        self.seen: Counter[str] = Counter()
        self._trace = sha256()

    def run(self) -> None:
        """A life, then quiet, then every check."""
        with self.installed():
            self.live(steps=self.rng.randint(30, 90))
            self.settle()
            self.check()
        self._trace.update(repr(self.cassandra.everything(PAYMENT_EVENTS.name)).encode())

    @contextmanager
    def installed(self) -> Iterator[None]:
        """The played stores are where the project's code looks for its own."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(session, "_door", session._Door(session=self.cassandra))
            # Whether a node answers is asked in words of the system keyspace, which this one does not have.
            patch.setattr(session, "ping", lambda: None)
            # Nor is there a PostgreSQL to ask under which name a table stands.
            patch.setattr(current_names, "_source", dict)
            # Small enough that one life needs several of each.
            patch.setattr(writing, "BATCH_ROWS_MAX", self.rng.choice([1, 2, 50]))
            patch.setattr(writing, "REQUESTS_IN_FLIGHT_MAX", self.rng.choice([1, 4, 100]))
            patch.setattr(scanning, "PAGE_ROWS", self.rng.choice([2, 2000]))
            patch.setattr(replay, "BATCH_EVENTS", self.rng.choice([3, 1000]))
            self.books.installed(patch)
            self.sabotage.apply(patch, self)
            yield

    def live(self, *, steps: int) -> None:
        self._rebalance()
        self.cassandra.weather = self.weather
        for _ in range(steps):
            self._turn()

    def settle(self) -> None:
        """The faults end, and what is under way arrives."""
        self.cassandra.weather, self.trouble = Weather(), Trouble()
        self.books.pause = self.cassandra.before_request = lambda: None
        while self.open:
            self._end_transaction()
        self.topic.relay(self.rng, self.books, self.trouble, most=len(self.books.outbox))
        self.cassandra.deliver_late_writes()
        for consumer in self.consumers:
            consumer.restart(self.committed)
        self._rebalance()
        while any(self.committed.get(place, 0) < len(self.topic.partitions[place]) for place in range(PARTITIONS)):
            for consumer in self.consumers:
                self._consume(consumer)
        self.now_us += 2 * HOUR_US

    def trace(self) -> str:
        """A digest of everything that happened: equal for equal seeds."""
        return self._trace.hexdigest()

    def tally(self) -> Counter[str]:
        """What happened, and how often."""
        return self.seen + self.topic.seen + self.cassandra.seen

    def bucket_count(self, day: date) -> int:
        return next(count for last_day, count in sorted(self.buckets.items()) if day <= last_day)

    def actors_clock(self) -> int:
        actor = self.actors[-1]
        return self.now_us + (actor.skew_us if actor else 0)
