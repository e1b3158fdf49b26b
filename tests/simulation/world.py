"""The small world: payments are born and paid, sinks crash, Cassandra loses answers, and somebody verifies meanwhile.

Everything follows from one seed. What is under test is the project's own code: bodies and rows, gaps, statements,
LedgerProjection, replay and verification. Only PostgreSQL, Kafka and Cassandra are played.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import pytest

from payments_ledger import current_names, replay, session, writing
from payments_ledger.errors import LedgerUnavailable
from payments_ledger.reconciliation import scanning
from payments_ledger.reconciliation.report import Kind, Report
from payments_ledger.reconciliation.verify import verify
from payments_ledger.sink import LedgerProjection
from payments_ledger.tables import PAYMENT_EVENTS
from tests.simulation import expected, lives
from tests.simulation.books import Books, Key
from tests.simulation.coordinator import QUORUM, Coordinator, Weather
from tests.simulation.topic import PARTITIONS, Consumer, Crashed, Topic, Trouble

HOUR_US = 3_600_000_000
# Somebody's turn may come in the middle of somebody else's; deeper than this nothing new happens.
DEPTH_MAX = 3


class Violation(AssertionError):
    """The world is not as it should be; the message begins with the seed that shows it."""


@dataclass(frozen=True, slots=True)
class Sabotage:
    """What a negative control replaces, so that the checks below can be seen to fail."""

    apply: Callable[[pytest.MonkeyPatch, "World"], None] = lambda patch, world: None
    make_sink: Callable[[], LedgerProjection] = LedgerProjection
    quorum: int = QUORUM


class World:
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
        self.weather = _weather(rng)
        self.trouble = _trouble(rng)
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

    def check(self) -> None:
        """No loss but the losses of the topic that nothing could show, each of them named; then replay, then equal."""
        absent = set(self.books.events) - self._recorded_keys()
        hidden = {key for key in self.topic.lost if not self._is_revealed(key)}
        self._require(absent <= hidden, f"lost: {_names(absent - hidden)}")
        newest = dict(sorted(self.books.events))
        behind = {key for key in newest.items() if self.books.recorded.get(key[0]) != key[1]}
        stuck = {key for key in behind if key[0] not in {payment_id for payment_id, _ in hidden}}
        self._require(not stuck, f"never acknowledged: {_names(stuck)}")
        found = verify()
        named = {
            (each.payment_id, each.seq)
            for each in found.differences
            if each.table == PAYMENT_EVENTS.name and each.payment_id and each.seq
        }
        self._require(named == absent, f"verify names {_names(named)}, absent are {_names(absent)}")
        self._require_true_alarms(found)
        for _ in replay.replay():
            pass
        for report in (verify(), verify(is_deep=False)):
            self._require(report.agrees, f"after the replay verify still says {_sentences(report)}")
        self._require(self.books.recorded == newest, "recorded_seq is not the newest sequence number of each payment")
        for table, (want, have) in expected.differences(self.books, self.cassandra).items():
            self._require(False, f"{table} should hold {want} and holds {have}")
        self._require(self.cassandra.tombstones() == 0, f"{self.cassandra.tombstones()} tombstones")

    def trace(self) -> str:
        """A digest of everything that happened: equal for equal seeds."""
        return self._trace.hexdigest()

    def tally(self) -> Counter[str]:
        """What happened, and how often."""
        return self.seen + self.topic.seen + self.cassandra.seen

    def verify_now(self) -> None:
        """Verify in the middle of things: whatever it reports must be true."""
        # Another verification may be going on, whose watermark was another one.
        late_for_others = self.books.late
        self.actors.append(None)
        with suppress(LedgerUnavailable):
            report = verify(is_deep=self.rng.random() < 0.7)
            self.seen["verified amid a batch" if any(self.actors) else "verified"] += 1
            self._require_true_alarms(report)
        self.actors.pop()
        self.books.late = late_for_others

    def _turn(self) -> None:
        self.now_us += 1 + int(self.rng.expovariate(1 / self.step_us))
        action = self.rng.choices(_ACTIONS, weights=_WEIGHTS)[0]
        self._trace.update(f"{action} {self.now_us} {len(self.books.outbox)} {self.books.recorded}\n".encode())
        getattr(self, f"_{action}")()

    def _others(self) -> None:
        """Between two requests of whoever is at work, others do something, and a process may be killed."""
        actor = self.actors[-1]
        if actor is not None and self.rng.random() < self.trouble.crash:
            self.seen["crashed"] += 1
            raise Crashed
        if len(self.actors) <= DEPTH_MAX and self.rng.random() < 0.04:
            self._turn()

    def _some_others(self) -> None:
        """Between two statements of PostgreSQL there is time for more."""
        for _ in range(self.rng.choice([0, 0, 1, 8])):
            self._others()

    def _begin(self) -> None:
        if not self.payments or self.rng.random() < 0.3:
            self.payments.append(lives.new_payment(self.rng, users=self.users))
        payment = self.rng.choice(self.payments)
        if any(payment is held for held, _, _ in self.open):
            return  # its row is locked
        before = {name: value for name, value in vars(payment).items() if name != "_state"}
        transaction = self.books.begin()
        self.open.append((payment, transaction, before))
        for _ in range(self.rng.randint(1, 3)):
            how = lives.next_event(self.rng, payment)
            if how:
                self.books.book(transaction, payment, **how)

    def _end_transaction(self) -> None:
        if not self.open:
            return
        payment, transaction, before = self.open.pop(self.rng.randrange(len(self.open)))
        is_committed = self.rng.random() < 0.9
        self.books.end(transaction, is_committed=is_committed)
        if not is_committed:
            self.seen["rolled back"] += 1
            vars(payment).update(before)

    def _relay(self) -> None:
        self.topic.relay(self.rng, self.books, self.trouble, most=self.rng.randint(1, 10))

    def _consumer(self) -> None:
        self._consume(self.rng.choice(self.consumers))

    def _consume(self, consumer: Consumer) -> None:
        if consumer.is_busy or not consumer.owned:
            return
        batch, after = consumer.fetch(self.rng, self.topic)
        if not batch:
            return
        consumer.is_busy = True
        self.actors.append(consumer)
        try:
            is_done = consumer.deliver(
                batch,
                after,
                books=self.books,
                committed=self.committed,
                commit_fails=lambda: self.rng.random() < self.trouble.commit_fails,
            )
            self.seen["delivered" if is_done else "failed and to be delivered again"] += 1
            if is_done:
                self.delivered |= {(UUID(message.key), message.seq) for message in batch}
        except Crashed:
            consumer.restart(self.committed)
        finally:
            self.actors.pop()
            consumer.is_busy = False

    def _rebalance(self) -> None:
        """Hand the partitions out anew. A consumer in the middle of a batch goes on with it: two sinks at once."""
        if any(consumer.is_busy for consumer in self.consumers):
            self.seen["two sinks at once"] += 1
        places = self.rng.sample(range(PARTITIONS), PARTITIONS)
        for number, consumer in enumerate(self.consumers):
            consumer.own(set(places[number :: len(self.consumers)]), self.committed)

    def _late_writes(self) -> None:
        self.cassandra.deliver_late_writes(share=self.rng.random())

    def _replay(self) -> None:
        """An operator replays, and may give up half way."""
        self.actors.append(None)
        with suppress(LedgerUnavailable):
            for _ in replay.replay():
                if self.rng.random() < 0.2:
                    break
        self.actors.pop()

    _verify = verify_now

    def _recorded_keys(self) -> set[Key]:
        return {(row["payment_id"], row["seq"]) for row in self.cassandra.everything(PAYMENT_EVENTS.name)}

    def _is_revealed(self, key: Key) -> bool:
        """Whether a later message of the payment has reached a sink, which shows that this one is missing."""
        payment_id, seq = key
        return any(other == payment_id and later > seq for other, later in self.delivered)

    def _require_true_alarms(self, report: Report) -> None:
        """Only an event that Cassandra has not acknowledged in its time of grace may be reported."""
        for each in report.differences:
            is_true = each.kind in (Kind.MISSING, Kind.STALE) and (each.payment_id, each.seq) in self.books.late
            self._require(is_true, f"false alarm: {each.sentence()}")
        self._require(sum(report.counts.values()) == len(report.differences), "differences without a name")

    def _require(self, is_so: bool, otherwise: str) -> None:
        if not is_so:
            raise Violation(f"SEED={self.seed}: {otherwise}")

    def bucket_count(self, day: date) -> int:
        return next(count for last_day, count in sorted(self.buckets.items()) if day <= last_day)

    def actors_clock(self) -> int:
        actor = self.actors[-1]
        return self.now_us + (actor.skew_us if actor else 0)


_SHARES = {
    "begin": 22,
    "end_transaction": 24,
    "relay": 14,
    "consumer": 24,
    "rebalance": 3,
    "late_writes": 4,
    "replay": 1,
    "verify": 5,
}
_ACTIONS, _WEIGHTS = tuple(_SHARES), tuple(_SHARES.values())


def _weather(rng: random.Random) -> Weather:
    bad = rng.choice([0.0, 0.02, 0.15])
    return Weather(
        slow=rng.choice([0.0, 0.3]),
        unavailable=bad,
        timeout=rng.choice([0.0, bad]),
        read_timeout=bad / 200,
        third_never=rng.choice([0.0, 0.5]),
    )


def _trouble(rng: random.Random) -> Trouble:
    often = rng.choice([0.0, 0.05, 0.3])
    return Trouble(
        lost=rng.choice([0.0, 0.0, 0.05, 0.3]),
        doubled=often,
        swapped=rng.choice([0.0, often, 0.5]),
        crash=rng.choice([0.0, 0.01, 0.05]),
        commit_fails=rng.choice([0.0, 0.2]),
    )


def _names(keys: set[Key]) -> str:
    return ", ".join(f"{payment_id}/{seq}" for payment_id, seq in sorted(keys)) or "none"


def _sentences(report: Report) -> str:
    return "; ".join(each.sentence() for each in report.differences[:5])
