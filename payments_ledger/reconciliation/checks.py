"""What is verified: the five recorded tables, the row each event should have there, and the block that row is in."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from operator import attrgetter
from typing import Any

from payments_ledger.reconciliation.digests import comparable_form, day_of
from payments_ledger.reconciliation.scope import Block
from payments_ledger.rows import EventRows, Row
from payments_ledger.tables import (
    EVENTS_BY_DAY,
    PAYMENT_EVENTS,
    PAYMENTS_BY_ID,
    PAYMENTS_BY_PROVIDER_REF,
    PAYMENTS_BY_USER_MONTH,
    Table,
)

# Latest states have no bucket; they are compared by day and type of the event they follow.
NO_BUCKET = -1
# References have no day either; they are compared in this many parts, by the last byte of the payment's id.
REFERENCE_PARTS = 256

# None for a row that has lost what its block is made of, a number for a part of the references.
Place = Block | int | None


@dataclass(frozen=True, slots=True)
class Check:
    """One table under verification, and the columns of it that are read.

    `expected` gives the row an event should have there, or None. `time_column` is compared with the watermark; a table
    without one has no days. With `is_latest` the table has one row a payment, that of its newest event; with
    `is_by_block` one partition of it is one block.
    """

    table: Table
    expected: Callable[[EventRows], Row | None]
    time_column: str | None
    columns: tuple[str, ...]
    is_latest: bool = False
    is_by_block: bool = False
    positions: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        positions = {column: position for position, column in enumerate(self.columns)}
        object.__setattr__(self, "positions", positions)

    @property
    def name(self) -> str:
        return self.table.name

    @property
    def has_body_hash(self) -> bool:
        return "body_sha256" in self.columns

    @property
    def is_whole(self) -> bool:
        """Whether every column is read, so that the content of rows can be compared."""
        return self.columns == self.table.columns

    def of_table(self, name: str) -> "Check":
        """The same check of a table with another name, made like this one."""
        return replace(self, table=replace(self.table, name=name))

    def with_columns(self, columns: tuple[str, ...]) -> "Check":
        """The same check, reading these columns only."""
        return replace(self, columns=columns)

    def comparable(self) -> Callable[[Row], tuple[Any, ...]]:
        return comparable_form(self.columns)

    def key_of(self, row: Row) -> Row:
        """The primary key of a row."""
        return tuple(row[self.positions[column]] for column in self.table.key)

    def place_of(self, row: Row) -> Place:
        """The block a row claims to be in; None when it lacks a part of it."""
        if self.time_column is None:
            return int(row[self.positions["payment_id"]].int % REFERENCE_PARTS)
        if self.is_latest:
            moment = row[self.positions[self.time_column]]
            day, bucket = (None if moment is None else _day_of_time(moment)), NO_BUCKET
        else:
            day, bucket = day_of(row[self.positions["booking_day"]]), row[self.positions["bucket"]]
        payment_type = row[self.positions["payment_type"]]
        if day is None or payment_type is None or bucket is None:
            return None
        return Block(day, payment_type, bucket)


RECORD = Check(PAYMENT_EVENTS, attrgetter("record"), "booked_at", PAYMENT_EVENTS.columns)
ENTRY = Check(EVENTS_BY_DAY, attrgetter("entry"), "booked_at", EVENTS_BY_DAY.columns, is_by_block=True)
STATE = Check(PAYMENTS_BY_ID, attrgetter("state"), "updated_at", PAYMENTS_BY_ID.columns, is_latest=True)
USER_MONTH = Check(
    PAYMENTS_BY_USER_MONTH, attrgetter("user_month"), "updated_at", PAYMENTS_BY_USER_MONTH.columns, is_latest=True
)
REFERENCE = Check(PAYMENTS_BY_PROVIDER_REF, attrgetter("reference"), None, PAYMENTS_BY_PROVIDER_REF.columns)

# By name, in the order in which they are reported.
CHECKS: dict[str, Check] = {check.name: check for check in (RECORD, ENTRY, STATE, USER_MONTH, REFERENCE)}
# Those whose rows carry the hash of the event's body, which is all that a quick verification compares.
HASHED = tuple(name for name, check in CHECKS.items() if check.has_body_hash)


def tables_of(wanted: Sequence[str] = (), *, is_deep: bool) -> tuple[str, ...]:
    """The tables a verification compares: all it can, or those `wanted`. Raises ValueError for one it cannot."""
    known = tuple(CHECKS) if is_deep else HASHED
    if unknown := sorted(set(wanted) - set(known)):
        raise ValueError(
            f"{', '.join(unknown)}: a {'deep' if is_deep else 'quick'} verification compares {', '.join(known)}"
        )
    return tuple(name for name in known if not wanted or name in wanted)


def _day_of_time(moment: datetime | int) -> date:
    if isinstance(moment, int):
        return datetime.fromtimestamp(moment // 1000, tz=UTC).date()
    return moment.date()
