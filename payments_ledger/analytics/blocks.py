"""Which blocks a day has, which days have any, and what a block adds up to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from django.db import connection

from core.payments.domain.payment_state import PaymentType
from core.payments.selectors.calendar import bucket_count
from payments_ledger.reconciliation.digests import DIGEST_BYTES, MODULUS
from payments_ledger.reconciliation.scope import Block

# One step of the index (booking_day, …) a day, however many events the days have.
_DAYS = """
WITH RECURSIVE days (booking_day) AS (
    SELECT min(booking_day) FROM payments_paymentevent
    WHERE booking_day BETWEEN %(first_day)s AND %(last_day)s
  UNION ALL
    SELECT (SELECT min(booking_day) FROM payments_paymentevent
            WHERE booking_day > days.booking_day AND booking_day <= %(last_day)s)
    FROM days WHERE days.booking_day IS NOT NULL
)
SELECT booking_day FROM days WHERE booking_day IS NOT NULL
"""


@dataclass(slots=True)
class BlockSummary:
    """What a block's rows add up to. `sums` is in minor units by '<event_type>/<currency>', as in ledger_seals."""

    count: int = 0
    digest: int = 0
    sums: dict[str, int] = field(default_factory=dict)

    def add_amount(self, event_type: str, currency: str, amount_minor: int) -> None:
        key = f"{event_type}/{currency}"
        self.sums[key] = self.sums.get(key, 0) + amount_minor

    def hexadecimal(self) -> str:
        return self.digest.to_bytes(DIGEST_BYTES, "big").hex()


def blocks_of(day: date) -> list[Block]:
    """Every block the day can have: its calendar's buckets of each payment type."""
    buckets = range(bucket_count(day))
    return [Block(day, str(payment_type), bucket) for payment_type in PaymentType for bucket in buckets]


def days_with_events(*, first_day: date | None, last_day: date | None) -> list[date]:
    """The booking days on which PostgreSQL has events, both ends included, in order."""
    with connection.cursor() as cursor:
        cursor.execute(_DAYS, {"first_day": first_day or date.min, "last_day": last_day or date.max})
        return [day for (day,) in cursor.fetchall()]


def digest_of_day(blocks: Mapping[Block, BlockSummary]) -> int:
    """The sum of the blocks' digests: that of all the day's events."""
    return sum(summary.digest for summary in blocks.values()) % MODULUS
