"""How complete the books are: what share of the money is sealed and still agrees, and what share is recorded in time.

Money is what events with postings move, added up without regard to sign, in minor units of one currency at a time.
"""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from django.db import connection

from core.payments.models import SealedDay
from core.payments.selectors.watermark import UNRECORDED_GRACE_SECONDS
from payments_ledger.reconciliation import postgres, scope
from payments_ledger.reconciliation.digests import Summary
from payments_ledger.reconciliation.scope import Block
from payments_ledger.seals import blocks
from payments_ledger.seals.seal import SealedBlock, seal_of

WHOLE_PPM = 1_000_000
# Closed days that are looked at when nobody says which.
DAYS_DEFAULT = 7
# The live share looks at what was booked in this time, up to a minute ago: later events have not had their minute.
LIVE_WINDOW_SECONDS = 3600
WITHIN_SECONDS = UNRECORDED_GRACE_SECONDS

_VOLUME = """
SELECT booking_day, payment_type, bucket, currency, sum(abs(amount_minor))
FROM payments_paymentevent WHERE booking_day BETWEEN %s AND %s AND postings <> '{}'::jsonb
GROUP BY 1, 2, 3, 4
"""
# When a payment's newest event was recorded is known; an earlier one of the same payment counts as in time once it is
# recorded, because the row keeps the newest time only.
_LIVE = """
SELECT event.currency, sum(abs(event.amount_minor)),
       coalesce(sum(abs(event.amount_minor)) FILTER (
           WHERE recording.recorded_seq > event.seq
              OR recording.recorded_seq = event.seq
                 AND recording.updated_at <= event.inserted_at + make_interval(secs => %(within)s)), 0)
FROM payments_paymentevent AS event LEFT JOIN payments_paymentrecording AS recording USING (payment_id)
WHERE event.inserted_at BETWEEN clock_timestamp() - make_interval(secs => %(window)s + %(within)s)
                            AND clock_timestamp() - make_interval(secs => %(within)s)
  AND event.postings <> '{}'::jsonb
GROUP BY 1 ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class Share:
    """How much of a currency's volume is complete. `share_ppm` is cut off, never rounded up: 1,000,000 is all of it."""

    currency: str
    volume_minor: int
    complete_minor: int

    @property
    def share_ppm(self) -> int:
        return self.complete_minor * WHOLE_PPM // self.volume_minor if self.volume_minor else WHOLE_PPM

    def as_json(self) -> dict[str, Any]:
        return {
            "currency": self.currency,
            "volume_minor": self.volume_minor,
            "complete_minor": self.complete_minor,
            "share_ppm": self.share_ppm,
        }


@dataclass(frozen=True, slots=True)
class Completeness:
    """Shares by currency over some days, and the blocks that are sealed and no longer hold what was sealed."""

    first_day: date
    last_day: date
    shares: tuple[Share, ...]
    disagreeing: tuple[Block, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "first_day": str(self.first_day),
            "last_day": str(self.last_day),
            "sealed": [share.as_json() for share in self.shares],
            "disagreeing": ["/".join(map(str, block)) for block in self.disagreeing],
        }


def sealed(first_day: date, last_day: date, *, reads_cassandra: bool = False) -> Completeness:
    """For each currency the share of the volume booked on these days (both included) in sealed, agreeing blocks.

    A block agrees when its seal matched both stores and PostgreSQL still holds what was sealed; with `reads_cassandra`
    events_by_day must, too. Raises LedgerUnavailable with `reads_cassandra` only. Call it outside a transaction.
    """
    agreeing, disagreeing = _judged(first_day, last_day, reads_cassandra=reads_cassandra)
    volume: Counter[str] = Counter()
    complete: Counter[str] = Counter()
    with connection.cursor() as cursor:
        cursor.execute(_VOLUME, [first_day, last_day])
        for day, payment_type, bucket, currency, minor in cursor.fetchall():
            volume[currency] += int(minor)
            if Block(day, payment_type, bucket) in agreeing:
                complete[currency] += int(minor)
    shares = tuple(Share(currency, volume[currency], complete[currency]) for currency in sorted(volume))
    return Completeness(first_day, last_day, shares, tuple(disagreeing))


def live_shares() -> list[Share]:
    """For each currency the share of the last hour's volume that was recorded within a minute."""
    with connection.cursor() as cursor:
        cursor.execute(_LIVE, {"window": LIVE_WINDOW_SECONDS, "within": WITHIN_SECONDS})
        return [Share(currency, int(volume), int(complete)) for currency, volume, complete in cursor.fetchall()]


def _judged(first_day: date, last_day: date, *, reads_cassandra: bool) -> tuple[set[Block], list[Block]]:
    """The sealed blocks of these days that hold what was sealed, and those that do not."""
    limits, _ = scope.fix_scope(first_day=first_day, last_day=last_day)
    # A sealed day stays closed while an import is open around it.
    booked = postgres.summaries(replace(limits, open_days=()))
    agreeing: set[Block] = set()
    disagreeing: list[Block] = []
    for held in SealedDay.objects.filter(booking_day__range=(first_day, last_day)).order_by("booking_day"):
        for one in seal_of(bytes(held.body)).blocks:
            block = Block(held.booking_day, one.payment_type, one.bucket)
            holds = one.matched and _holds(booked.get(block), one)
            if holds and reads_cassandra:
                holds = _holds(blocks.recorded([block])[block].summary, one)
            if holds:
                agreeing.add(block)
            else:
                disagreeing.append(block)
    return agreeing, disagreeing


def _holds(summary: Summary | None, sealed: SealedBlock) -> bool:
    """Whether a store's block is still what was sealed: count, sums and digest."""
    if summary is None:
        return False
    now = blocks.sealed_block(Block(date.min, sealed.payment_type, sealed.bucket), summary, summary)
    return (now.event_count, now.sums, now.digest) == (sealed.event_count, sealed.sums, sealed.digest)
