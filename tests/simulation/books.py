"""PostgreSQL in the small world: payment events, transactions, the outbox and how far Cassandra has acknowledged.

What SQL says in production is said once more here, in Python, and only that: whatever is decided outside a statement
is the project's own code. `installed` puts these books where that code expects PostgreSQL.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from core.payments.models import Payment
from core.payments.selectors import watermark
from core.payments.services import recording
from core.payments.services.booking import Booking, BookingTime, entry_of
from payments_ledger import gaps, history, sink
from payments_ledger.reconciliation import postgres, scope
from payments_ledger.reconciliation.digests import Summary, presence_of
from payments_ledger.reconciliation.scope import Block, Scope
from payments_ledger.rows import milliseconds

Key = tuple[UUID, int]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
GRACE_US = watermark.UNRECORDED_GRACE_SECONDS * 1_000_000


@dataclass(frozen=True, slots=True)
class Event:
    """A row of payments_paymentevent."""

    payment_id: UUID
    seq: int
    booking_day: date
    order_id: UUID
    booked_at: datetime
    payment_type: str
    bucket: int
    event_type: str
    amount_minor: int
    currency: str
    postings: str
    body: bytes
    body_sha256: bytes
    inserted_at_us: int

    @property
    def key(self) -> Key:
        return self.payment_id, self.seq

    @property
    def block(self) -> Block:
        return Block(self.booking_day, self.payment_type, self.bucket)


@dataclass(slots=True)
class Transaction:
    """One open transaction; it is seen by the watermark as soon as it holds a transaction id."""

    started_us: int
    events: list[Event] = field(default_factory=list)


class Books:
    """`now_us` is the primary's clock; `pause` runs between two statements, where others get their turn."""

    def __init__(self, *, now_us: Callable[[], int], bucket_count: Callable[[date], int]) -> None:
        self.pause: Callable[[], None] = lambda: None
        self.events: dict[Key, Event] = {}
        self.outbox: list[Event] = []
        self.recorded: dict[UUID, int] = {}
        self.open: list[Transaction] = []
        self.sees_open_transactions = True
        self.late: set[Key] = set()  # events whose grace was over when the watermark was last read
        self._now_us = now_us
        self._bucket_count = bucket_count
        self._on_commit: list[Callable[[], Any]] = []
        self._advanced: list[Key] | None = None

    # What services do.

    def begin(self) -> Transaction:
        transaction = Transaction(self._now_us())
        self.open.append(transaction)
        return transaction

    def book(self, transaction: Transaction, payment: Payment, **details: Any) -> None:
        """The payment's next event; nobody else sees it before the transaction is committed."""
        booked_at_us = self._now_us()
        if payment.last_booked_at is not None:
            booked_at_us = max(booked_at_us, _microseconds(payment.last_booked_at) + 1)
        booked_at = moment_of(booked_at_us)
        payment.seq += 1
        payment.last_booked_at = booked_at
        payment.created_at = payment.created_at or booked_at
        time = BookingTime(booked_at, self._bucket_count(booked_at.date()))
        entry = entry_of(Booking(payment=payment, time=time, occurred_at=booked_at, **details))
        (
            payment_id,
            seq,
            day,
            _,
            order_id,
            booked,
            kind,
            bucket,
            event_type,
            amount,
            currency,
            postings,
            body,
            digest,
        ) = entry.history_row
        transaction.events.append(
            Event(
                *(UUID(payment_id), seq, day, UUID(order_id), booked, kind, bucket, event_type, amount, currency),
                *(postings, body, digest, self._now_us()),
            )
        )

    def end(self, transaction: Transaction, *, is_committed: bool) -> None:
        self.open.remove(transaction)
        if is_committed:
            self.events.update({event.key: event for event in transaction.events})
            self.outbox += transaction.events

    # What the ledger's code asks for.

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """The sink's: recorded_seq moves at its end, or not at all."""
        self._advanced, self._on_commit = [], []
        try:
            yield
            self._advance(self._advanced)
            for call in self._on_commit:
                call()
        finally:
            self._advanced, self._on_commit = None, []

    def on_commit(self, call: Callable[[], Any]) -> None:
        self._on_commit.append(call)

    def advance(self, *, pairs: Collection[Key]) -> None:
        if self._advanced is None:
            self._advance(pairs)
        else:
            self._advanced += pairs

    def recorded_seqs(self, payment_ids: Iterable[UUID]) -> dict[UUID, int]:
        return {payment_id: self.recorded[payment_id] for payment_id in payment_ids if payment_id in self.recorded}

    def watermark(self) -> datetime:
        writing = [each for each in self.open if each.events and self.sees_open_transactions]
        in_progress = min([self._now_us(), *(each.started_us for each in writing)])
        self.pause()
        unrecorded = [event for event in self.events.values() if event.seq > self.recorded.get(event.payment_id, 0)]
        young = [event for event in unrecorded if event.inserted_at_us > self._now_us() - GRACE_US]
        self.late = {event.key for event in unrecorded} - {event.key for event in young}
        return moment_of(min([in_progress, *(_microseconds(event.booked_at) for event in young)]))

    def stream(
        self, limits: Scope, *, days: Collection[date] | None = None, share: int = 0, shares: int = 1
    ) -> Iterator[Any]:
        self.pause()
        newest = self._newest()
        references: defaultdict[UUID, set[Any]] = defaultdict(set)
        for event in sorted(self._in_scope(limits), key=lambda event: event.key):
            if (days is None or event.booking_day in days) and event.payment_id.bytes[15] % shares == share:
                is_newest = newest[event.payment_id] == event.seq
                row = (
                    *(event.payment_id, event.seq, event.body, event.body_sha256, event.order_id),
                    *(event.booking_day, event.payment_type, event.bucket, event.event_type),
                    *(event.amount_minor, event.currency, event.postings, is_newest),
                )
                yield postgres._held(row, references[event.payment_id])

    def summaries(self, limits: Scope) -> dict[Block, Summary]:
        self.pause()
        found: dict[Block, Summary] = {}
        for event in self._in_scope(limits):
            summary = found.setdefault(event.block, Summary())
            summary.count += 1
            summary.presence = (summary.presence + presence_of(event.body_sha256)) % postgres.MODULUS
            summary.add_amount(event.event_type, event.currency, event.amount_minor)
        return found

    def newest_seq(self, payment_id: UUID) -> int:
        return self._newest().get(payment_id, 0)

    def installed(self, patch: pytest.MonkeyPatch) -> None:
        """Put these books where the ledger's code reaches PostgreSQL."""
        patch.setattr(history, "PaymentEvent", Model(self))
        patch.setattr(gaps, "recorded_seqs", self.recorded_seqs)
        patch.setattr(recording, "advance", self.advance)
        patch.setattr(sink, "transaction", self)
        patch.setattr(watermark, "read", self.watermark)
        patch.setattr(scope, "open_days", lambda since=None: [])
        patch.setattr(postgres, "stream", self.stream)
        patch.setattr(postgres, "summaries", self.summaries)
        patch.setattr(postgres, "newest_seq", self.newest_seq)
        patch.setattr(postgres, "size_bytes", lambda: 0)

    def _newest(self) -> dict[UUID, int]:
        newest: dict[UUID, int] = {}
        for payment_id, seq in self.events:
            newest[payment_id] = max(seq, newest.get(payment_id, 0))
        return newest

    def _in_scope(self, limits: Scope) -> list[Event]:
        # A list, not a generator: a statement sees one snapshot however long its rows take to be read.
        return [
            event
            for event in self.events.values()
            if limits.has_day(event.booking_day) and limits.has_moment(milliseconds(event.booked_at))
        ]

    def _advance(self, pairs: Iterable[Key]) -> None:
        for payment_id, seq in sorted(pairs):
            if seq == self.recorded.get(payment_id, 0) + 1:
                self.recorded[payment_id] = seq


class Model:
    """As much of Django's manager and query set as the ledger's reads of PaymentEvent use."""

    def __init__(self, books: Books, **conditions: Any) -> None:
        self._books = books
        self._conditions = conditions
        self._names: tuple[str, ...] = ()

    @property
    def objects(self) -> "Model":
        return Model(self._books)

    def all(self) -> "Model":
        return self

    def filter(self, **conditions: Any) -> "Model":
        return Model(self._books, **self._conditions, **conditions)

    def values_list(self, *names: str) -> "Model":
        self._names = names
        return self

    def iterator(self, chunk_size: int) -> Iterator[tuple[Any, ...]]:
        del chunk_size
        held = [event for event in self._books.events.values() if self._fits(event)]
        return (tuple(getattr(event, name) for name in self._names) for event in held)

    def _fits(self, event: Event) -> bool:
        return all(_COMPARE[operator](getattr(event, column), value) for column, operator, value in self._compared())

    def _compared(self) -> Iterator[tuple[str, str, Any]]:
        for name, value in self._conditions.items():
            column, _, operator = name.partition("__")
            yield column, operator, value


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "": lambda held, asked: held == asked,
    "in": lambda held, asked: held in asked,
    "gte": lambda held, asked: held >= asked,
    "lte": lambda held, asked: held <= asked,
}


def moment_of(microseconds: int) -> datetime:
    return EPOCH + timedelta(microseconds=microseconds)


def _microseconds(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)
