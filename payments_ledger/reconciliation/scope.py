"""What one verification looks at: which days, below which watermark, and without the days of open imports."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from django.db.models import Q

from core.payments.models import ImportBatch
from core.payments.selectors import watermark
from payments_ledger.rows import milliseconds


class Block(NamedTuple):
    """The unit of comparison. In Cassandra one block is one partition of events_by_day."""

    booking_day: date
    payment_type: str
    bucket: int


@dataclass(frozen=True, slots=True)
class OpenDays:
    """The booking days of one open import batch: still being filled, so not compared."""

    source: str
    first_day: date
    last_day: date


@dataclass(frozen=True, slots=True)
class Scope:
    """Events booked before `watermark_ms` on the days from first to last (None: unbounded), open imports left out."""

    watermark_ms: int
    first_day: date | None
    last_day: date | None
    open_days: tuple[OpenDays, ...]

    @property
    def is_bounded(self) -> bool:
        return self.first_day is not None or self.last_day is not None

    def has_day(self, day: date | None) -> bool:
        """Whether events of this day are compared. A row that has lost its day belongs to the unbounded scope."""
        if day is None:
            return not self.is_bounded
        if (self.first_day and day < self.first_day) or (self.last_day and day > self.last_day):
            return False
        return not any(batch.first_day <= day <= batch.last_day for batch in self.open_days)

    def has_moment(self, booked_at_ms: int | None) -> bool:
        return booked_at_ms is None or booked_at_ms < self.watermark_ms


def fix_scope(*, first_day: date | None = None, last_day: date | None = None) -> tuple[Scope, datetime]:
    """The scope of a verification that begins now, and its watermark.

    Read before either store: an event that commits later is booked at or after the watermark. The watermark is cut to
    Cassandra's milliseconds, so that both stores draw the line at the same events.
    """
    moment = watermark.read()
    scope = Scope(
        watermark_ms=milliseconds(moment), first_day=first_day, last_day=last_day, open_days=tuple(open_days())
    )
    return scope, moment


def open_days(*, since: datetime | None = None) -> Sequence[OpenDays]:
    """The days of import batches that are open, or that were open at any time after `since`."""
    condition = Q(state=ImportBatch.State.OPEN)
    if since is not None:
        condition |= Q(closed_at__gte=since)
    batches = ImportBatch.objects.filter(condition).order_by("opened_at")
    return [OpenDays(batch.source, batch.first_day, batch.last_day) for batch in batches]


def is_within(day: date, batches: Sequence[OpenDays]) -> bool:
    return any(batch.first_day <= day <= batch.last_day for batch in batches)
