"""A billion payments over three years, as the sizes of the ledger's partitions; the same seed gives the same sizes.

Whole days are hashed payment by payment with the ledger's own bucket hash: the peak day, and ordinary days drawn at
random that stand for the others. Orders and user-months are drawn one by one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

from benchmarks.payment_lives import (
    EVENTS_PER_PAYMENT,
    LIVES_PER_HUNDRED,
    TYPE_SHARES,
    entry_bytes_of_life,
    sample_life,
    uuid7_base,
)
from benchmarks.row_bytes import partition_bytes, row_bytes
from core.payments.domain.buckets import bucket_of
from core.payments.domain.payment_state import PaymentType
from payments_ledger.tables import EVENTS_BY_DAY, PAYMENT_EVENTS, PAYMENTS_BY_USER_MONTH

DAYS = 1_096
PEAK_FACTOR = 10
# Ordinary days differ by so much either way.
DAY_SPREAD = 0.4
ORDER_EVENTS_MAX = 200
RESELLER_PAYMENTS_A_MONTH = 20_000
# Of a hundred orders, how many have this many payments: several instruments, or another try after a refusal.
PAYMENTS_PER_HUNDRED_ORDERS = {1: 90, 2: 8, 3: 2}
# Payments of a user in a month: most have a few, some very many.
USER_MONTH_TAIL = 1.1

_FIRST_DAY = datetime(2024, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Sized:
    """One partition, and how many of the whole population it stands for."""

    size_bytes: int
    rows: int
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Population:
    """What is to be sized. `seed` decides everything that is drawn."""

    payments: int = 1_000_000_000
    bucket_count: int = 64
    seed: int = 20261121
    ordinary_days: int = 4
    drawn: int = 200_000

    @property
    def events_a_day(self) -> int:
        """The average; the peak day has ten times as many."""
        return round(self.payments * EVENTS_PER_PAYMENT / DAYS)

    def blocks(self) -> Iterator[Sized]:
        """The partitions of events_by_day: those of the peak day, and of days that stand for all others."""
        random = Random(self.seed)
        peak = random.randrange(DAYS)
        yield from self.blocks_of_day(peak, self.events_a_day * PEAK_FACTOR, random, weight=1)
        others = random.sample([day for day in range(DAYS) if day != peak], self.ordinary_days)
        for day in others:
            events = round(self.events_a_day * random.uniform(1 - DAY_SPREAD, 1 + DAY_SPREAD))
            yield from self.blocks_of_day(day, events, random, weight=(DAYS - 1) / self.ordinary_days)

    def blocks_of_day(self, day: int, events: int, random: Random, *, weight: float) -> Iterator[Sized]:
        """Every block of one day, each payment of it hashed; all events of a payment fall on its first day."""
        for payment_type, share in TYPE_SHARES.items():
            payments = round(events * share / EVENTS_PER_PAYMENT)
            yield from self._hashed(day, payment_type, payments, random, weight)

    def _hashed(
        self, day: int, payment_type: PaymentType, payments: int, random: Random, weight: float
    ) -> Iterator[Sized]:
        # A table of a hundred lives makes one draw decide id and life.
        lives = [events for events, share in LIVES_PER_HUNDRED.items() for _ in range(share)]
        bytes_of_life = {events: entry_bytes_of_life(payment_type, events) for events in LIVES_PER_HUNDRED}
        counted = [dict.fromkeys(LIVES_PER_HUNDRED, 0) for _ in range(self.bucket_count)]
        base = uuid7_base(_FIRST_DAY + timedelta(days=day))
        day_ms, buckets, draw = 86_400_000, self.bucket_count, random.getrandbits
        for number in range(payments):
            bits = draw(81)
            moment = number * day_ms // payments << 80
            payment_id = UUID(int=base + moment | (bits >> 62 & 0xFFF) << 64 | bits & 0x3FFF_FFFF_FFFF_FFFF)
            counted[bucket_of(payment_id, buckets)][lives[(bits >> 74) * 100 >> 7]] += 1
        head = partition_bytes(EVENTS_BY_DAY, sample_life(payment_type, 1)[0].entry)
        for held in counted:
            size = head + sum(count * bytes_of_life[events] for events, count in held.items())
            yield Sized(size, sum(count * events for events, count in held.items()), weight)

    def orders(self) -> Iterator[Sized]:
        """Partitions of payment_events: ordinary orders, and the one with the most events."""
        random = Random(self.seed + 1)
        lives, counts = list(LIVES_PER_HUNDRED), list(LIVES_PER_HUNDRED.values())
        several, shares = list(PAYMENTS_PER_HUNDRED_ORDERS), list(PAYMENTS_PER_HUNDRED_ORDERS.values())
        head = partition_bytes(PAYMENT_EVENTS, sample_life(PaymentType.CARD, 1)[0].record)
        sizes = {events: record_bytes_of_life(events) for events in (*lives, ORDER_EVENTS_MAX)}
        for _ in range(self.drawn):
            (payments,) = random.choices(several, shares)
            drawn = random.choices(lives, counts, k=payments)
            yield Sized(head + sum(sizes[events] for events in drawn), sum(drawn))
        yield Sized(head + sizes[ORDER_EVENTS_MAX], ORDER_EVENTS_MAX, weight=0)

    def user_months(self) -> Iterator[Sized]:
        """Partitions of payments_by_user_month after compaction: users, and a reseller."""
        random = Random(self.seed + 2)
        (event,) = sample_life(PaymentType.CARD, 1)
        head, row = (
            partition_bytes(PAYMENTS_BY_USER_MONTH, event.user_month),
            row_bytes(PAYMENTS_BY_USER_MONTH, event.user_month),
        )
        for _ in range(self.drawn):
            payments = min(int(random.paretovariate(USER_MONTH_TAIL)), RESELLER_PAYMENTS_A_MONTH)
            yield Sized(head + payments * row, payments)
        yield Sized(head + RESELLER_PAYMENTS_A_MONTH * row, RESELLER_PAYMENTS_A_MONTH, weight=0)


def record_bytes_of_life(events: int) -> int:
    """What a card payment with this many events takes in payment_events."""
    return sum(row_bytes(PAYMENT_EVENTS, event.record) for event in sample_life(PaymentType.CARD, events))
