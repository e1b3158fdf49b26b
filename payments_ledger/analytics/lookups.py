"""Look-ups that need several partitions of events_by_day: every block of the days asked for, a few at once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from functools import partial
from itertools import islice
from typing import Any
from uuid import UUID

from payments_ledger import session
from payments_ledger.analytics.blocks import blocks_of
from payments_ledger.reconciliation.scope import Block
from payments_ledger.tables import EVENTS_BY_DAY

# Enough to keep a node busy, few enough that a look-up is never what makes it slow.
BLOCKS_AT_ONCE = 8
PAGE_ROWS = 1000
COLUMNS = (
    "booked_at",
    "payment_id",
    "seq",
    "payment_type",
    "event_type",
    "amount_minor",
    "currency",
    "status_after",
    "order_id",
    "user_id",
    "provider",
    "region",
    "occurred_at",
    "postings",
)
_STORED = tuple(column for column in COLUMNS if column not in EVENTS_BY_DAY.partition_key)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events, and how many at most. Days are booking days, both included; None means any."""

    first_day: date
    last_day: date
    limit: int
    payment_type: str | None = None
    event_type: str | None = None
    user_id: UUID | None = None

    def days(self) -> Iterator[date]:
        for distance in range((self.last_day - self.first_day).days + 1):
            yield self.first_day + timedelta(days=distance)


def events(wanted: Wanted) -> list[tuple[Any, ...]]:
    """The earliest `limit` events that match, in the order of booking, with the values of COLUMNS.

    Reads whole blocks at LOCAL_QUORUM and filters here. Raises LedgerUnavailable.
    """
    found: list[tuple[Any, ...]] = []
    with ThreadPoolExecutor(BLOCKS_AT_ONCE) as pool:
        for day in wanted.days():
            blocks = [
                block
                for block in blocks_of(day)
                if wanted.payment_type is None or block.payment_type == wanted.payment_type
            ]
            # A block gives its events in order, so no more than the limit of each can be among the day's earliest.
            of_day = [row for rows in pool.map(partial(_matching, wanted), blocks) for row in rows]
            found += sorted(of_day)[: wanted.limit - len(found)]
            if len(found) == wanted.limit:
                break
    return found


def _matching(wanted: Wanted, block: Block) -> list[tuple[Any, ...]]:
    cql = EVENTS_BY_DAY.select_cql(columns=_STORED, where=EVENTS_BY_DAY.partition_condition())
    rows = (dict(zip(_STORED, row, strict=True)) for row in session.stream(cql, block, page_rows=PAGE_ROWS))
    matching = (
        _presented({**row, "payment_type": block.payment_type})
        for row in rows
        if (wanted.event_type is None or row["event_type"] == wanted.event_type)
        and (wanted.user_id is None or row["user_id"] == wanted.user_id)
    )
    return list(islice(matching, wanted.limit))


def _presented(row: dict[str, Any]) -> tuple[Any, ...]:
    for name in ("booked_at", "occurred_at"):
        # The driver's times are naive and mean UTC.
        row[name] = row[name] and row[name].replace(tzinfo=UTC).isoformat(timespec="milliseconds").replace(
            "+00:00", "Z"
        )
    for name in ("payment_id", "order_id", "user_id"):
        row[name] = str(row[name])
    row["postings"] = dict(row["postings"] or {})
    return tuple(row[name] for name in COLUMNS)
