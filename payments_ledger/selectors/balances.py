"""Balances of accounts as of a moment: sums of the postings booked up to it, exactly, from PostgreSQL's history.

Cassandra's totals of sealed days cannot answer this: they are by event type, and neither the provider of a clearing
account nor the counter account of an adjustment follows from that.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from core.errors import NotFound
from core.payments.domain.accounts import CHART, account_named
from core.payments.selectors import watermark

STORE = "postgresql"

# booked_at decides; the day is there so that whole months of the table are left out.
_BOOKED = "booking_day <= %(day)s AND booked_at <= %(as_of)s AND booked_at < %(watermark)s"
_ALL = f"""
SELECT posting.account, event.currency, sum(posting.amount::bigint)
FROM payments_paymentevent AS event CROSS JOIN LATERAL jsonb_each_text(event.postings) AS posting (account, amount)
WHERE {_BOOKED} GROUP BY 1, 2 ORDER BY 1, 2
"""
_ONE = f"""
SELECT %(account)s, currency, sum((postings ->> %(account)s)::bigint)
FROM payments_paymentevent WHERE {_BOOKED} AND postings ? %(account)s GROUP BY 2 ORDER BY 2
"""


@dataclass(frozen=True, slots=True)
class Balance:
    """Minor units of one currency on one account; debits positive, credits negative."""

    account: str
    currency: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Balances:
    """Balances as of a moment. `up_to` is the moment they really include: `as_of`, or the watermark when it is later.

    Below the watermark nothing can still be booked, so the same question always gets the same answer; imports into past
    days alone can change it, until the days are sealed.
    """

    as_of: datetime
    up_to: datetime
    store: str
    balances: tuple[Balance, ...]

    @property
    def totals(self) -> dict[str, int]:
        """Currency → sum over all accounts."""
        sums: Counter[str] = Counter()
        for balance in self.balances:
            sums[balance.currency] += balance.amount_minor
        return dict(sorted(sums.items()))

    @property
    def unknown_accounts(self) -> list[str]:
        """Accounts that the chart does not have."""
        return sorted({each.account for each in self.balances if account_named(each.account) is None})

    @property
    def agrees(self) -> bool:
        """Whether every currency sums to zero, over accounts of the chart."""
        return not any(self.totals.values()) and not self.unknown_accounts


def trial_balance(as_of: datetime) -> Balances:
    """Every account that has postings. The totals are zero, or something is wrong. Call it outside a transaction."""
    return _balances(_ALL, as_of, {})


def balance_of(account: str, as_of: datetime) -> Balances:
    """One account, in every currency it has postings in. Raises NotFound for one that the chart does not have."""
    if account_named(account) is None:
        known = ", ".join(f"{each.name}:<provider>" if each.is_by_provider else each.name for each in CHART.values())
        raise NotFound(f"The chart of accounts has no {account!r}: it has {known}.")
    return _balances(_ONE, as_of, {"account": account})


def _balances(query: str, as_of: datetime, parameters: dict[str, Any]) -> Balances:
    as_of, reached = as_of.astimezone(UTC), watermark.read().astimezone(UTC)
    bounds = {"as_of": as_of, "watermark": reached, "day": as_of.date()}
    with connection.cursor() as cursor:
        cursor.execute(query, {**bounds, **parameters})
        rows = cursor.fetchall()
    found = tuple(Balance(account, currency, int(amount)) for account, currency, amount in rows)
    return Balances(as_of, min(as_of, reached), STORE, found)
