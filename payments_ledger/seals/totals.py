"""Totals of a day by type, currency and event: recomputed from events_by_day and overwritten, never added to."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from core.payments.selectors import sealed_days
from payments_ledger import session
from payments_ledger.reconciliation.digests import day_of
from payments_ledger.reconciliation.scope import Block
from payments_ledger.rows import microseconds, milliseconds, month_of
from payments_ledger.seals import blocks, rows
from payments_ledger.seals.blocks import Recorded
from payments_ledger.seals.days import booked_days, primary_now
from payments_ledger.tables import DAILY_TOTALS

_BETWEEN = DAILY_TOTALS.select_cql(where="month = ? AND booking_day >= ? AND booking_day <= ?")


@dataclass(frozen=True, slots=True)
class DayTotal:
    """What one kind of event adds up to on one day. Amounts in minor units; `computed_at` in UTC."""

    booking_day: date
    payment_type: str
    currency: str
    event_type: str
    event_count: int
    amount_minor: int
    computed_at: datetime
    sealed: bool

    def as_json(self) -> dict[str, Any]:
        return {
            "booking_day": str(self.booking_day),
            "payment_type": self.payment_type,
            "currency": self.currency,
            "event_type": self.event_type,
            "event_count": self.event_count,
            "amount_minor": self.amount_minor,
            "computed_at": self.computed_at.isoformat(),
            "sealed": self.sealed,
        }


def recompute(day: date, *, computed_at: datetime, recorded: Mapping[Block, Recorded] | None = None) -> int:
    """Write the day's totals anew from events_by_day and return how many rows they are.

    `recorded` is what the day's blocks hold, when somebody has just read them. Idempotent; the later `computed_at`
    (the primary's clock) stays. Raises LedgerUnavailable.
    """
    if recorded is None:
        recorded = blocks.recorded(blocks.blocks_booked(day))
    counts: Counter[tuple[str, str, str]] = Counter()
    amounts: Counter[tuple[str, str, str]] = Counter()
    for block, found in recorded.items():
        for (event_type, currency), count in found.counts.items():
            key = block.payment_type, currency, event_type
            counts[key] += count
            amounts[key] += found.summary.sums[event_type, currency]
    month, moment = month_of(day), milliseconds(computed_at)
    written = [(month, day, *key, counts[key], amounts[key], moment) for key in sorted(counts)]
    rows.write(DAILY_TOTALS, written, timestamp_us=microseconds(computed_at))
    return len(written)


def recompute_between(first_day: date, last_day: date) -> Iterator[date]:
    """Sum up again every day of these (both included) that has events; each day as it is done."""
    for day in booked_days(first_day, last_day):
        recompute_now(day)
        yield day


def recompute_now(day: date) -> int:
    """Sum up the day again, as of now; see recompute()."""
    return recompute(day, computed_at=primary_now())


def between(first_day: date, last_day: date) -> list[DayTotal]:
    """The totals of these days, both included, in the order of days. Raises LedgerUnavailable.

    A day that nobody has computed totals of yet has none; one that is not sealed may still grow.
    """
    sealed = sealed_days.sealed_between(first_day, last_day)
    found: list[DayTotal] = []
    for month in _months(first_day, last_day):
        for row in session.stream(_BETWEEN, (month, first_day, last_day)):
            _, booking_day, payment_type, currency, event_type, event_count, amount_minor, computed_at = row
            day = day_of(booking_day)
            assert day is not None
            total = DayTotal(
                booking_day=day,
                payment_type=payment_type,
                currency=currency,
                event_type=event_type,
                event_count=event_count,
                amount_minor=amount_minor,
                computed_at=rows.in_utc(computed_at),
                sealed=day in sealed,
            )
            found.append(total)
    return found


def _months(first_day: date, last_day: date) -> list[int]:
    count = (last_day.year - first_day.year) * 12 + last_day.month - first_day.month + 1
    months = (first_day.month - 1 + ahead for ahead in range(count))
    return [(first_day.year + number // 12) * 100 + number % 12 + 1 for number in months]
