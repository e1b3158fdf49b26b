"""A user's payments, newest first, within a month and from one month to the next."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

from core.payments.selectors.payments import months_with_payments
from payments_ledger import session
from payments_ledger.rows import milliseconds, month_of
from payments_ledger.selectors.payments import in_utc
from payments_ledger.tables import PAYMENTS_BY_USER_MONTH

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# The table is in the order of a page: newest first, and by id within a millisecond. Turned round for the way back.
_TURNED = "ORDER BY created_at ASC, payment_id DESC"


@dataclass(frozen=True, slots=True)
class Position:
    """A payment's place in the list. `created_ms` is milliseconds since 1970, UTC, the precision Cassandra keeps."""

    created_ms: int
    payment_id: UUID

    @property
    def month(self) -> int:
        return month_of(_EPOCH + timedelta(milliseconds=self.created_ms))


@dataclass(frozen=True, slots=True)
class ListedPayment:
    """One row of the list: a payment's latest recorded state. Amounts in minor units of `currency`."""

    payment_id: UUID
    order_id: UUID | None
    payment_type: str | None
    status: str | None
    version: int | None
    currency: str | None
    captured_minor: int | None
    refunded_minor: int | None
    created_at: datetime
    updated_at: datetime | None

    @property
    def position(self) -> Position:
        return Position(milliseconds(self.created_at), self.payment_id)


@dataclass(frozen=True, slots=True)
class UserPayments:
    """The payments of a user in `month` (202611), or in all months."""

    user_id: UUID
    month: int | None = None

    def rows(self, *, limit: int, beside: Position | None = None, is_back: bool = False) -> list[ListedPayment]:
        """The next `limit` payments after the one at `beside`, or (`is_back`) those just before it; newest first.

        Reads the months that have payments, one partition each, until there are enough. Raises LedgerUnavailable.
        """
        found: list[ListedPayment] = []
        for month in self._months(beside, is_back=is_back):
            is_first = beside is not None and month == beside.month
            found += _read(self.user_id, month, beside if is_first else None, limit - len(found), is_back=is_back)
            if len(found) >= limit:
                break
        return found[::-1] if is_back else found

    def _months(self, beside: Position | None, *, is_back: bool) -> list[int]:
        """Those to read, in the order of reading, beginning with the month of `beside`."""
        months = months_with_payments(self.user_id) if self.month is None else [self.month]
        if is_back:
            return [month for month in reversed(months) if beside is None or month >= beside.month]
        return [month for month in months if beside is None or month <= beside.month]


def _read(user_id: UUID, month: int, beside: Position | None, limit: int, *, is_back: bool) -> list[ListedPayment]:
    cql, partition = _statements(PAYMENTS_BY_USER_MONTH.read_name, is_back), (user_id, month)
    if beside is None:
        return _listed(session.lookup(cql["whole"], (*partition, limit)))
    # Several payments may have begun in one millisecond; the rest of them comes before what is beyond it.
    at = beside.created_ms
    found = _listed(session.lookup(cql["tie"], (*partition, at, beside.payment_id, limit)))
    if len(found) < limit:
        found += _listed(session.lookup(cql["beyond"], (*partition, at, limit - len(found))))
    return found


def _listed(rows: Sequence[dict[str, Any]]) -> list[ListedPayment]:
    return [
        ListedPayment(
            payment_id=row["payment_id"],
            order_id=row["order_id"],
            payment_type=row["payment_type"],
            status=row["status"],
            version=row["version"],
            currency=row["currency"],
            captured_minor=row["captured_minor"],
            refunded_minor=row["refunded_minor"],
            created_at=row["created_at"].replace(tzinfo=UTC),
            updated_at=in_utc(row["updated_at"]),
        )
        for row in rows
    ]


@lru_cache(maxsize=8)
def _statements(table: str, is_back: bool) -> dict[str, str]:
    """By how they go on; made once for each name the table has had."""
    columns, where = ", ".join(PAYMENTS_BY_USER_MONTH.columns), PAYMENTS_BY_USER_MONTH.partition_condition()
    month = f"SELECT {columns} FROM {table} WHERE {where}"
    if is_back:
        return {
            "whole": f"{month} {_TURNED} LIMIT ?",
            "tie": f"{month} AND created_at = ? AND payment_id < ? {_TURNED} LIMIT ?",
            "beyond": f"{month} AND created_at > ? {_TURNED} LIMIT ?",
        }
    return {
        "whole": f"{month} LIMIT ?",
        "tie": f"{month} AND created_at = ? AND payment_id > ? LIMIT ?",
        "beyond": f"{month} AND created_at < ? LIMIT ?",
    }
