"""What providers still owe us, day by day: for analysts, and for the question how much money waits for whom."""

from dataclasses import dataclass
from datetime import date

from django.db import connection

_BALANCES = """
SELECT substring(posting.account FROM 14) AS provider, event.booking_day, event.currency,
       sum(posting.amount), coalesce(sum(posting.amount) FILTER (WHERE settled.seq IS NOT NULL), 0)
FROM payments_paymentevent AS event
CROSS JOIN LATERAL (SELECT key AS account, value::bigint AS amount FROM jsonb_each_text(event.postings)) AS posting
LEFT JOIN ledger_settlement_match AS settled ON settled.payment_id = event.payment_id AND settled.seq = event.seq
WHERE event.booking_day BETWEEN %s AND %s AND starts_with(posting.account, 'psp_clearing:')
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""


@dataclass(frozen=True, slots=True)
class ProviderBalance:
    """One provider, booking day and currency, in minor units: what was posted, and how much of it is settled."""

    provider: str
    day: date
    currency: str
    posted_minor: int
    settled_minor: int

    @property
    def unsettled_minor(self) -> int:
        return self.posted_minor - self.settled_minor


def unsettled_balances(*, first_day: date, last_day: date) -> list[ProviderBalance]:
    """Every provider's clearing account on these booking days (both included), by provider, day and currency."""
    with connection.cursor() as cursor:
        cursor.execute(_BALANCES, [first_day, last_day])
        return [
            ProviderBalance(provider, day, currency, int(posted), int(settled))
            for provider, day, currency, posted, settled in cursor.fetchall()
        ]
