"""Whose turn it is in the small world, and what each of them does: payments, relay, sinks, operators."""

import random
from collections import Counter
from contextlib import suppress
from typing import Any
from uuid import UUID

from payments_ledger import replay
from payments_ledger.errors import LedgerUnavailable
from payments_ledger.reconciliation.verify import verify
from tests.simulation import lives
from tests.simulation.topic import PARTITIONS, Consumer, Crashed, Trouble
from tests.simulation.verdicts import Judged

# Somebody's turn may come in the middle of somebody else's; deeper than this nothing new happens.
DEPTH_MAX = 3


class Turns(Judged):
    """A world in which somebody always has something to do, and others do something meanwhile."""

    rng: random.Random
    now_us: int
    step_us: int
    trouble: Trouble
    committed: dict[int, int]
    consumers: list[Consumer]
    users: list[UUID]
    payments: list[Any]
    open: list[tuple[Any, Any, dict[str, Any]]]
    actors: list[Consumer | None]
    seen: Counter[str]
    _trace: Any

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

    _verify = verify_now


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
