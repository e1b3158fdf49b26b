"""Balances of accounts as of a moment: sums of the postings booked up to it, exactly, from PostgreSQL.

Sealed days are taken from their sums (payments_ledger.day_sums), any other day from its events. Cassandra's
daily_totals cannot answer this: they are by event type, and neither the provider of a clearing account nor the counter
account of an adjustment follows from that.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from django.db import connection

from core.errors import NotFound
from core.payments.domain.accounts import CHART, account_named
from core.payments.selectors import watermark
from payments_ledger.models import DaySums
from payments_ledger.seals.days import booked_days

STORE = "postgresql"

_ALL = """
SELECT account, currency, sum(amount) FROM (
    SELECT posting.account, event.currency, posting.amount::numeric AS amount
    FROM payments_paymentevent AS event CROSS JOIN LATERAL jsonb_each_text(event.postings) AS posting (account, amount)
    WHERE event.booking_day = ANY(%(read)s::date[]) AND event.booked_at <= %(as_of)s AND event.booked_at < %(watermark)s
    UNION ALL
    SELECT posting.account, of_day.currency, posting.amount::numeric
    FROM ledger_daysums CROSS JOIN LATERAL jsonb_each(sums) AS of_day (currency, accounts)
         CROSS JOIN LATERAL jsonb_each_text(of_day.accounts) AS posting (account, amount)
    WHERE booking_day = ANY(%(summed)s::date[])
) AS posted GROUP BY 1, 2 ORDER BY 1, 2
"""
_ONE = """
SELECT %(account)s, currency, sum(amount) FROM (
    SELECT currency, (postings ->> %(account)s)::numeric AS amount FROM payments_paymentevent
    WHERE booking_day = ANY(%(read)s::date[]) AND booked_at <= %(as_of)s AND booked_at < %(watermark)s
      AND postings ? %(account)s
    UNION ALL
    SELECT of_day.currency, (of_day.accounts ->> %(account)s)::numeric
    FROM ledger_daysums CROSS JOIN LATERAL jsonb_each(sums) AS of_day (currency, accounts)
    WHERE booking_day = ANY(%(summed)s::date[]) AND of_day.accounts ? %(account)s
) AS posted GROUP BY 2 ORDER BY 2
"""


@dataclass(frozen=True, slots=True)
class Balance:
    """Minor units of one currency on one account; debits positive, credits negative."""

    account: str
    currency: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Balances:
    """Balances as of a moment. `up_to` is the moment they include: `as_of`, or the watermark when that is earlier.

    Below the watermark nothing can still be booked, so the same question always gets the same answer; imports into past
    days alone can change it, until the days are sealed. `days_summed` days were taken from their sums, the events of
    `days_read` days were added up.
    """

    as_of: datetime
    up_to: datetime
    store: str
    days_summed: int
    days_read: int
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


def trial_balance(as_of: datetime, *, uses_sums: bool = True) -> Balances:
    """Every account that has postings. The totals are zero, or something is wrong. Call it outside a transaction.

    Without `uses_sums` every event is read, which must give the same and takes as long as there are events.
    """
    return _balances(_ALL, as_of, {}, uses_sums=uses_sums)


def balance_of(account: str, as_of: datetime, *, uses_sums: bool = True) -> Balances:
    """One account, in every currency it has postings in. Raises NotFound for one that the chart does not have."""
    if account_named(account) is None:
        known = ", ".join(f"{each.name}:<provider>" if each.is_by_provider else each.name for each in CHART.values())
        raise NotFound(f"The chart of accounts has no {account!r}: it has {known}.")
    return _balances(_ONE, as_of, {"account": account}, uses_sums=uses_sums)


def _balances(query: str, as_of: datetime, parameters: dict[str, Any], *, uses_sums: bool) -> Balances:
    as_of, reached = as_of.astimezone(UTC), watermark.read().astimezone(UTC)
    booked = booked_days(date.min, as_of.date())
    # The day that as_of lies in is not over by then, so its sums would be of more than was asked for.
    sums = DaySums.objects.filter(booking_day__lt=as_of.date()) if uses_sums else DaySums.objects.none()
    summed = set(sums.values_list("booking_day", flat=True))
    read = [day for day in booked if day not in summed]
    bounds: dict[str, Any] = {"as_of": as_of, "watermark": reached, "read": read, "summed": sorted(summed)}
    with connection.cursor() as cursor:
        cursor.execute(query, {**bounds, **parameters})
        rows = cursor.fetchall()
    found = tuple(Balance(account, currency, int(amount)) for account, currency, amount in rows)
    return Balances(as_of, min(as_of, reached), STORE, len(summed), len(read), found)
