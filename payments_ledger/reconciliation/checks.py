"""The three tables as a verification reads them: which rows, in which block, compared with which expected row."""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from itertools import pairwise
from typing import Any

from cassandra.cluster import ResponseFuture

from payments_ledger import session
from payments_ledger.cluster import unavailable_when_away
from payments_ledger.reconciliation.digests import Summary, comparable_form, content_of, day_of
from payments_ledger.reconciliation.scope import Block, Scope
from payments_ledger.rows import EventRows, Row
from payments_ledger.tables import EVENTS_BY_DAY, PAYMENT_EVENTS, PAYMENTS_BY_ID, Table

# A scan asks for a slice of the token ring at a time: a slice that times out is short, and processes can share them.
TOKEN_RANGES = 64
_TOKEN_LEAST, _TOKEN_MOST = -(2**63), 2**63 - 1
PAGE_ROWS = 2000
# Requests asked ahead, so that the server works while rows are being compared. Each holds a page of rows in memory.
PARTITIONS_IN_FLIGHT_MAX = 16
RANGES_IN_FLIGHT_MAX = 3

# payments_by_id has no buckets; its rows are compared by day and type.
NO_BUCKET = 0


@dataclass(frozen=True, slots=True)
class Check:
    """One table under verification, and the columns of it that are read."""

    table: Table
    expected: Callable[[EventRows], Row]
    time_column: str
    columns: tuple[str, ...]
    positions: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        positions = {column: position for position, column in enumerate(self.columns)}
        object.__setattr__(self, "positions", positions)

    @property
    def has_body_hash(self) -> bool:
        return "body_sha256" in self.columns

    @property
    def is_whole(self) -> bool:
        """Whether every column is read, so that the content of rows can be compared."""
        return self.columns == self.table.columns

    def narrowed(self) -> "Check":
        """The same check over the columns that prove presence and amounts; bodies stay unread."""
        return replace(self, columns=tuple(column for column in self.columns if column in _NARROW))

    def comparable(self) -> Callable[[Row], tuple[Any, ...]]:
        return comparable_form(self.columns)

    def key_of(self, row: Row) -> Row:
        """The primary key of a row."""
        return tuple(row[self.positions[column]] for column in self.table.key)

    def block_of(self, row: Row) -> Block | None:
        """The block a row claims to be in; None when it lacks a part of it."""
        if self.table is PAYMENTS_BY_ID:
            moment = row[self.positions["updated_at"]]
            day, bucket = (None if moment is None else _day_of_time(moment)), NO_BUCKET
        else:
            day, bucket = day_of(row[self.positions["booking_day"]]), row[self.positions["bucket"]]
        payment_type = row[self.positions["payment_type"]]
        if day is None or payment_type is None or bucket is None:
            return None
        return Block(day, payment_type, bucket)


_NARROW = frozenset(
    {"booking_day", "payment_type", "bucket", "booked_at", "event_type", "amount_minor", "currency", "body_sha256"}
)

RECORD = Check(PAYMENT_EVENTS, lambda event: event.record, "booked_at", PAYMENT_EVENTS.columns)
ENTRY = Check(EVENTS_BY_DAY, lambda event: event.entry, "booked_at", EVENTS_BY_DAY.columns)
STATE = Check(PAYMENTS_BY_ID, lambda event: event.state, "updated_at", PAYMENTS_BY_ID.columns)


def rows_in_scope(
    check: Check, scope: Scope, *, blocks: Collection[Block | None] | None = None
) -> Iterator[tuple[Block | None, Row]]:
    """Every row of the table below the watermark, on the scope's days, with the block it claims; or of `blocks` only.

    events_by_day costs one query per partition; the other tables are read whole whatever the scope, because only a
    scan of the ring finds rows in partitions that PostgreSQL has never heard of.
    """
    comparable = check.comparable()
    moment = check.positions[check.time_column]
    for row in _entries(check, scope, blocks) if check.table is EVENTS_BY_DAY else _scanned(check):
        block = check.block_of(row)
        if blocks is not None and block not in blocks:
            continue
        if not scope.has_day(block.booking_day if block else None):
            continue
        plain = comparable(row)
        if scope.has_moment(plain[moment]):
            yield block, plain


def summaries(check: Check, scope: Scope) -> dict[Block | None, Summary]:
    """What Cassandra holds, block by block."""
    found: dict[Block | None, Summary] = {}
    for block, row in rows_in_scope(check, scope):
        summary = found.get(block)
        if summary is None:
            summary = found[block] = Summary()
        add_row(check, summary, row)
    return found


def add_row(check: Check, summary: Summary, row: Row) -> None:
    """Add a row in comparable form; its content counts only when all of its columns were read."""
    content = content_of(row) if check.is_whole else 0
    if not check.has_body_hash:
        summary.add(body_sha256=None, content=content)
        return
    summary.add(body_sha256=row[check.positions["body_sha256"]], content=content)
    event_type, currency = row[check.positions["event_type"]], row[check.positions["currency"]]
    summary.add_amount(event_type or "", currency or "", row[check.positions["amount_minor"]] or 0)


def stored_row(check: Check, key: Row) -> Row | None:
    """The row with this primary key (values as rows.py makes them) in comparable form; None when there is none."""
    cql = check.table.select_cql(columns=check.columns, where=check.table.key_condition())
    found = list(session.stream(cql, key))
    return check.comparable()(found[0]) if found else None


def partitions(scope: Scope) -> list[tuple[Block | None, Row]]:
    """The partitions of events_by_day on the scope's days, with their keys: those Cassandra has, known or not."""
    cql = f"SELECT DISTINCT {', '.join(EVENTS_BY_DAY.partition_key)} FROM {EVENTS_BY_DAY.name}"
    found: list[tuple[Block | None, Row]] = []
    for key in session.stream(cql):
        day = day_of(key[0])
        if scope.has_day(day):
            found.append((None if day is None else Block(day, key[1], key[2]), key))
    return found


def _scanned(check: Check) -> Iterator[Row]:
    cql = check.table.select_cql(columns=check.columns, where=check.table.token_condition())
    width = (_TOKEN_MOST - _TOKEN_LEAST) // TOKEN_RANGES
    bounds = [_TOKEN_LEAST + width * number for number in range(TOKEN_RANGES)] + [_TOKEN_MOST]
    # No partition has the least token itself, so ranges open at their lower end leave nothing out.
    return _read_ahead(cql, pairwise(bounds), in_flight_max=RANGES_IN_FLIGHT_MAX)


def _entries(check: Check, scope: Scope, blocks: Collection[Block | None] | None) -> Iterator[Row]:
    cql = check.table.select_cql(columns=check.columns, where=check.table.partition_condition())
    wanted = [key for block, key in partitions(scope) if blocks is None or block in blocks]
    return _read_ahead(cql, wanted, in_flight_max=PARTITIONS_IN_FLIGHT_MAX)


def _read_ahead(cql: str, all_parameters: Iterable[Sequence[Any]], *, in_flight_max: int) -> Iterator[Row]:
    """The rows of one query after the other, the next ones already asked for."""
    statement = session.prepared(cql)
    in_flight: deque[ResponseFuture] = deque()
    for parameters in all_parameters:
        if len(in_flight) == in_flight_max:
            yield from _all_pages(in_flight.popleft())
        bound = statement.bind(parameters)
        bound.fetch_size = PAGE_ROWS
        in_flight.append(session.submit(bound))
    while in_flight:
        yield from _all_pages(in_flight.popleft())


def _all_pages(future: ResponseFuture) -> Iterator[Row]:
    with unavailable_when_away():
        yield from future.result()


def _day_of_time(moment: datetime | int) -> date:
    if isinstance(moment, int):
        return datetime.fromtimestamp(moment // 1000, tz=UTC).date()
    return moment.date()
