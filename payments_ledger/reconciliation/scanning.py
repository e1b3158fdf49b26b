"""How Cassandra is read for a verification: slices of the ring, whole partitions or single keys, pages asked ahead."""

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import Any

from cassandra.cluster import ResponseFuture

from payments_ledger import session
from payments_ledger.cluster import unavailable_when_away
from payments_ledger.reconciliation import postgres
from payments_ledger.reconciliation.checks import Check, Place
from payments_ledger.reconciliation.digests import day_of
from payments_ledger.reconciliation.scope import Block, Scope
from payments_ledger.rows import Row

# A scan asks for a slice of the token ring at a time: a slice that times out is short, and processes can share them.
TOKEN_RANGES = 64
_TOKEN_LEAST, _TOKEN_MOST = -(2**63), 2**63 - 1
# Whole rows carry bodies of a kilobyte. Measured with narrow ones: a fifth less work for Cassandra than pages of 2,000.
PAGE_ROWS = 2_000
NARROW_PAGE_ROWS = 5_000
# Queries that one reading makes: enough to keep a process busy for a second, few enough to share out evenly.
RANGES_A_READING = 4
PARTITIONS_A_READING_MAX = 16
KEYS_A_READING = 500
# Queries asked ahead, so that the server works while rows are being compared. Each holds a page of rows in memory.
IN_FLIGHT_MAX = 3
KEYS_IN_FLIGHT_MAX = 50


@dataclass(frozen=True, slots=True)
class Reading:
    """One prepared query and the parameters it is asked with, one after the other: a piece of a table."""

    check: Check
    where: str
    parameters: tuple[Row, ...]
    # Where each query's rows are, when the query says so; else each row says it itself.
    places: tuple[Place, ...] = ()

    @property
    def cql(self) -> str:
        return self.check.table.select_cql(columns=self.check.columns, where=self.where)


def readings(check: Check, scope: Scope, *, places: Collection[Place] | None = None) -> Iterator[Reading]:
    """The table in pieces, together everything a verification must see of it; of by-block tables `places` only.

    A table whose partitions are blocks costs one query a partition. The others are read whole whatever the scope,
    because only a scan of the ring finds rows in partitions that PostgreSQL has never heard of. References have no
    day: when the scope has one, those of its events are looked up, and strangers are found only without a day.
    """
    table = check.table
    if check.is_by_block:
        where = f"{table.partition_condition()} AND {check.time_column} < ?"
        wanted = [pair for pair in partitions(check, scope) if places is None or pair[0] in places]
        # A few partitions are shared out singly, many in handfuls.
        size = min(PARTITIONS_A_READING_MAX, max(1, len(wanted) // TOKEN_RANGES))
        for chunk in _chunks(wanted, size):
            keys = tuple((*key, scope.watermark_ms) for _, key in chunk)
            yield Reading(check, where, keys, places=tuple(place for place, _ in chunk))
    elif check.time_column is None and scope.is_bounded:
        wanted_keys = (check.key_of(row) for row in postgres.references(scope))
        for chunk in _chunks(wanted_keys, KEYS_A_READING):
            yield Reading(check, table.key_condition(), tuple(chunk))
    else:
        for ranges in _chunks(_token_ranges(), RANGES_A_READING):
            yield Reading(check, table.token_condition(), tuple(ranges))


def partitions(check: Check, scope: Scope) -> list[tuple[Place, Row]]:
    """The partitions of a by-block table on the scope's days, with their keys: those Cassandra has, known or not."""
    cql = f"SELECT DISTINCT {', '.join(check.table.partition_key)} FROM {check.table.read_name}"
    found: list[tuple[Place, Row]] = []
    for key in session.stream(cql):
        day = day_of(key[0])
        if scope.has_day(day):
            found.append((None if day is None else Block(day, key[1], key[2]), key))
    return found


def rows_in_scope(
    reading: Reading, scope: Scope, *, places: Collection[Place] | None = None
) -> Iterator[tuple[Place, Row]]:
    """The rows of a reading below the watermark, on the scope's days, with the place each claims; or of `places` only.

    Rows are in comparable form. The check of the reading must have its whole columns.
    """
    check = reading.check
    comparable = check.comparable()
    moment = None if check.time_column is None else check.positions[check.time_column]
    for _, rows in pages(reading):
        for row in rows:
            place = check.place_of(row)
            if places is not None and place not in places:
                continue
            plain = comparable(row)
            if moment is None or (_has_day(scope, place) and scope.has_moment(plain[moment])):
                yield place, plain


def pages(reading: Reading) -> Iterator[tuple[Place, Sequence[Row]]]:
    """The rows of each query as they arrive, a page at a time and the next already asked for, with the query's place.

    Raises LedgerUnavailable.
    """
    statement = session.prepared(reading.cql)
    in_flight: deque[tuple[Place, ResponseFuture]] = deque()
    in_flight_max = IN_FLIGHT_MAX if len(reading.parameters) < KEYS_A_READING // 2 else KEYS_IN_FLIGHT_MAX
    for number, parameters in enumerate(reading.parameters):
        if len(in_flight) == in_flight_max:
            yield from _pages(*in_flight.popleft())
        bound = statement.bind(parameters)
        bound.fetch_size = PAGE_ROWS if reading.check.is_whole else NARROW_PAGE_ROWS
        in_flight.append((reading.places[number] if reading.places else None, session.submit(bound)))
    while in_flight:
        yield from _pages(*in_flight.popleft())


def stored_row(check: Check, key: Row) -> Row | None:
    """The row with this primary key (values as rows.py makes them) in comparable form; None when there is none."""
    cql = check.table.select_cql(columns=check.columns, where=check.table.key_condition())
    found = list(session.stream(cql, key))
    return check.comparable()(found[0]) if found else None


def _pages(place: Place, future: ResponseFuture) -> Iterator[tuple[Place, Sequence[Row]]]:
    has_more = True
    while has_more:
        with unavailable_when_away():
            rows = future.result().current_rows
            has_more = future.has_more_pages
            if has_more:
                future.start_fetching_next_page()
        yield place, rows


def _has_day(scope: Scope, place: Place) -> bool:
    return scope.has_day(place.booking_day if isinstance(place, Block) else None)


def _token_ranges() -> Iterator[Row]:
    width = (_TOKEN_MOST - _TOKEN_LEAST) // TOKEN_RANGES
    # No partition has the least token itself, so ranges open at their lower end leave nothing out.
    return pairwise([_TOKEN_LEAST + width * number for number in range(TOKEN_RANGES)] + [_TOKEN_MOST])


def _chunks(values: Iterable[Any], size: int) -> Iterator[list[Any]]:
    remaining = iter(values)
    while chunk := list(islice(remaining, size)):
        yield chunk
