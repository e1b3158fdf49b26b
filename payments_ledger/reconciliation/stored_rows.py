"""Rows as events say they should be, beside what Cassandra holds under their keys: what repair goes by."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from cassandra.cluster import ResponseFuture
from cassandra.query import UNSET_VALUE

from payments_ledger import session
from payments_ledger.cluster import unavailable_when_away
from payments_ledger.reconciliation.digests import comparable_form, content_of
from payments_ledger.rows import EventRows, Row
from payments_ledger.tables import (
    EVENTS_BY_DAY,
    PAYMENT_EVENTS,
    PAYMENTS_BY_ID,
    PAYMENTS_BY_PROVIDER_REF,
    PAYMENTS_BY_USER_MONTH,
    Table,
)

READS_IN_FLIGHT_MAX = 100

# Rows of these follow the newest event of a payment; the rows of all other tables never change.
LATEST_STATE = (PAYMENTS_BY_ID, PAYMENTS_BY_USER_MONTH)


@dataclass(frozen=True, slots=True)
class Wanted:
    """One row as its event says it should be."""

    table: Table
    event: EventRows
    row: Row

    @property
    def key(self) -> Row:
        return tuple(self.row[self.table.columns.index(column)] for column in self.table.key)


@dataclass(frozen=True, slots=True)
class Damage:
    """A row that is not what its event says. `found` is in comparable form, None where there is no row."""

    wanted: Wanted
    found: Row | None
    columns: tuple[str, ...]

    @property
    def is_missing(self) -> bool:
        return self.found is None

    def row_to_write(self) -> Row:
        """The event's row, with None only where a value must be taken away.

        A None writes a tombstone, so it is spent only on a cell that holds something: one that was set by hand. The
        sink's UNSET_VALUE would leave that cell as it is.
        """
        found = self.found or (None,) * len(self.wanted.row)
        return tuple(
            UNSET_VALUE if value is None and stored is None else value
            for value, stored in zip(self.wanted.row, found, strict=True)
        )

    def found_digest(self) -> str:
        return "" if self.found is None else f"{content_of(self.found):032x}"

    def wanted_digest(self) -> str:
        return f"{content_of(comparable_form(self.wanted.table.columns)(self.wanted.row)):032x}"

    def found_readable(self) -> dict[str, Any] | None:
        """The row as it stood, as JSON can hold it."""
        if self.found is None:
            return None
        return {
            column: _readable(column, value)
            for column, value in zip(self.wanted.table.columns, self.found, strict=True)
        }

    def sentence(self) -> str:
        event = self.wanted.event
        what = "no row" if self.is_missing else f"differs in {', '.join(self.columns)}"
        return f"{self.wanted.table.name} payment_id={event.payment_id} seq={event.seq}: {what}"


def lasting_rows(events: Iterable[EventRows]) -> Iterator[Wanted]:
    """The rows of these events that never change once written; a provider's reference once, whoever brought it."""
    references: dict[Row, Wanted] = {}
    for event in events:
        yield Wanted(PAYMENT_EVENTS, event, event.record)
        yield Wanted(EVENTS_BY_DAY, event, event.entry)
        if event.reference is not None:
            references[event.reference] = Wanted(PAYMENTS_BY_PROVIDER_REF, event, event.reference)
    yield from references.values()


def latest_rows(newest: Iterable[EventRows]) -> Iterator[Wanted]:
    """The rows that show a payment's latest state, each from the payment's newest event."""
    for event in newest:
        yield Wanted(PAYMENTS_BY_ID, event, event.state)
        yield Wanted(PAYMENTS_BY_USER_MONTH, event, event.user_month)


def damaged(wanted: Sequence[Wanted]) -> list[Damage]:
    """Those that are missing or hold something else, read by key at LOCAL_QUORUM. Raises LedgerUnavailable."""
    found: list[Damage] = []
    for each, stored in zip(wanted, _stored(wanted), strict=True):
        columns = _unequal_columns(each, stored)
        if columns:
            found.append(Damage(each, stored, columns))
    return found


def newest_write_us(wanted: Wanted) -> int:
    """The highest write timestamp of the row's cells, in microseconds; 0 when it has none. Deletions do not show."""
    columns = [column for column in wanted.table.columns if column not in wanted.table.key]
    cql = wanted.table.select_cql(
        columns=tuple(f"writetime({column})" for column in columns), where=wanted.table.key_condition()
    )
    return max(
        (written for row in session.stream(cql, wanted.key) for written in row if written is not None), default=0
    )


def _stored(wanted: Sequence[Wanted]) -> Iterator[Row | None]:
    """What stands under each key, in the same order, in comparable form; some reads ahead."""
    in_flight: deque[tuple[Wanted, ResponseFuture]] = deque()
    for each in wanted:
        if len(in_flight) == READS_IN_FLIGHT_MAX:
            yield _row(*in_flight.popleft())
        select = session.prepared(each.table.select_cql(where=each.table.key_condition()))
        in_flight.append((each, session.submit(select.bind(each.key))))
    while in_flight:
        yield _row(*in_flight.popleft())


def _row(wanted: Wanted, future: ResponseFuture) -> Row | None:
    with unavailable_when_away():
        rows = list(future.result())
    return comparable_form(wanted.table.columns)(rows[0]) if rows else None


def _unequal_columns(wanted: Wanted, stored: Row | None) -> tuple[str, ...]:
    if stored is None:
        return wanted.table.columns
    plain = comparable_form(wanted.table.columns)(wanted.row)
    return tuple(column for column, want, have in zip(wanted.table.columns, plain, stored, strict=True) if want != have)


def _readable(column: str, value: Any) -> Any:
    if value is None:
        return None
    if column.endswith("_id"):
        return str(UUID(int=value))
    if column == "booking_day" and isinstance(value, int):
        return str(date.fromordinal(value))
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, str):
        # PostgreSQL's JSON has no NUL, and a hand may have written one.
        return value.replace("\x00", "\ufffd")
    return [[_readable("", part) for part in pair] for pair in value] if column == "postings" else value
