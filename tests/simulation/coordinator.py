"""The fake Cassandra a session talks to: three replicas, quorum, and every way in which a request can go wrong."""

import random
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from cassandra import ConsistencyLevel, OperationTimedOut, ReadTimeout, Unavailable, WriteTimeout, WriteType
from cassandra.query import UNSET_VALUE, BatchStatement, PreparedStatement

from payments_ledger.cluster import LOOKUP
from tests.simulation.replica import Key, Replica, StoredRow, Write, merged
from tests.simulation.statements import Definition, Insert, Select, definitions, parsed, prepared

REPLICAS, QUORUM = 3, 2


@dataclass(frozen=True, slots=True)
class Weather:
    """How often each thing happens to a request, as a probability. All zero: a fine day."""

    slow: float = 0.0  # applied only when somebody waits for it, after later ones perhaps
    unavailable: float = 0.0  # refused, nothing applied
    timeout: float = 0.0  # applied on none, some or all replicas; the rest later or never
    read_timeout: float = 0.0
    third_never: float = 0.0  # a write that a quorum has never reaches the last replica


@dataclass(frozen=True, slots=True)
class Page:
    current_rows: list[Any]


class Future:
    """The driver's future: `result()` waits for a page of the answer, and raises what the driver would raise."""

    def __init__(self, finish: Callable[[], list[Any]], *, page_rows: int | None = None) -> None:
        self._finish = finish
        self._page_rows = page_rows
        self._rest: list[Any] | None = None

    @property
    def has_more_pages(self) -> bool:
        return bool(self._rest)

    def start_fetching_next_page(self) -> None:
        """The rows of the first page were read together with these; a real server would read them only now."""

    def result(self) -> Page:
        rows = self.all_rows() if self._rest is None else self._rest
        end = self._page_rows or len(rows)
        self._rest = rows[end:]
        return Page(rows[:end])

    def all_rows(self) -> list[Any]:
        return self._finish()


class Coordinator:
    """Stands for the driver's Session. Deterministic: every choice comes from `rng`.

    `clock` gives the timestamp (µs) of writes that bring none; `before_request` runs ahead of each request, so that
    the rest of the world goes on in the middle of whatever the code under test is doing. `quorum` is how many replicas
    acknowledge a write and answer a read.
    """

    def __init__(self, rng: random.Random, *, clock: Callable[[], int], quorum: int = QUORUM) -> None:
        self.weather = Weather()
        self.seen: Counter[str] = Counter()
        self.before_request: Callable[[], None] = lambda: None
        self.replicas = [Replica() for _ in range(REPLICAS)]
        self._rng = rng
        self._clock = clock
        self._quorum = quorum
        self._prepared: dict[bytes, PreparedStatement] = {}
        self._late: list[tuple[int, tuple[Write, ...]]] = []
        self._ring: dict[str, tuple[set[Key], list[tuple[int, Key]]]] = {}

    def prepare(self, cql: str) -> PreparedStatement:
        query_id = str(len(self._prepared)).encode()
        statement = self._prepared[query_id] = prepared(cql, query_id)
        return statement

    def execute(self, statement: Any, parameters: Any = (), execution_profile: str = "") -> list[Any]:
        bound = statement.bind(parameters) if isinstance(statement, PreparedStatement) else statement
        return self.execute_async(bound, execution_profile).all_rows()

    def execute_async(self, statement: Any, execution_profile: str = "") -> Future:
        self.before_request()
        if isinstance(statement, BatchStatement):
            writes = tuple(
                self._write(parsed(self._prepared[query_id].query_string), values)
                for _, query_id, values in statement._statements_and_parameters
            )
            assert len({(write.table, write.partition) for write in writes}) == 1, "a batch of several partitions"
            return self._mutate(writes)
        meaning = parsed(statement.prepared_statement.query_string)
        if isinstance(meaning, Insert):
            return self._mutate((self._write(meaning, statement.values),))
        return self._read(meaning, statement, as_mappings=execution_profile == LOOKUP)

    def deliver_late_writes(self, *, share: float = 1.0) -> None:
        """Let writes arrive that are still under way to a replica, in any order."""
        self._rng.shuffle(self._late)
        for _ in range(round(len(self._late) * share)):
            self.seen["late"] += 1
            replica, writes = self._late.pop()
            self.replicas[replica].apply(writes)

    def by_hand(self, writes: Iterable[Write]) -> None:
        """Somebody at cqlsh, at consistency ALL."""
        done = tuple(writes)
        for replica in self.replicas:
            replica.apply(done)

    def everything(self, table: str) -> list[dict[str, Any]]:
        """Every visible row of a table by column, read at quorum on a fine day."""
        definition = definitions()[table]
        replicas = self._rng.sample(self.replicas, self._quorum)
        return [
            {**_keys(definition, partition, clustering), **_values(definition, values)}
            for _, partition in self._partitions(definition)
            for clustering, values in merged(replicas, table, partition).items()
        ]

    def tombstones(self) -> int:
        return sum(replica.tombstones() for replica in self.replicas)

    def _write(self, insert: Insert | Select, values: list[Any]) -> Write:
        assert isinstance(insert, Insert), "a batch holds only writes"
        written_at = int.from_bytes(values[-1], "big", signed=True) if insert.has_timestamp else self._clock()
        given = dict(zip(insert.columns, values, strict=False))
        row = StoredRow(marker=written_at)
        for column, value in given.items():
            if column not in insert.table.key and value is not UNSET_VALUE:
                row.cells[column] = (written_at, value is None, value or b"")
        partition = tuple(given[column] for column in insert.table.partition_key)
        clustering = tuple(given[column] for column in insert.table.clustering_key)
        return Write(insert.table.name, partition, clustering, row)

    def _mutate(self, writes: tuple[Write, ...]) -> Future:
        weather, fate = self.weather, self._rng.random()
        if fate < weather.unavailable:
            self.seen["unavailable"] += 1
            return Future(_raises(Unavailable("too few replicas", ConsistencyLevel.LOCAL_QUORUM, 2, 1)))
        if fate < weather.unavailable + weather.timeout:
            self.seen["timed out"] += 1
            self._apply_in_part(writes)
            error = WriteTimeout("no answer", write_type=WriteType.SIMPLE, required_responses=2, received_responses=1)
            return Future(_raises(error if self._rng.random() < 0.5 else OperationTimedOut()))
        if fate < weather.unavailable + weather.timeout + weather.slow:
            self.seen["slow"] += 1
            return Future(lambda: self._apply(writes))
        self._apply(writes)
        return Future(list)

    def _apply(self, writes: tuple[Write, ...]) -> list[Any]:
        order = self._rng.sample(range(REPLICAS), REPLICAS)
        for replica in order[: self._quorum]:
            self.replicas[replica].apply(writes)
        for replica in order[self._quorum :]:
            if self._rng.random() >= self.weather.third_never:
                self._late.append((replica, writes))
        return []

    def _apply_in_part(self, writes: tuple[Write, ...]) -> None:
        for replica in range(REPLICAS):
            fate = self._rng.random()
            if fate < 0.4:
                self.replicas[replica].apply(writes)
            elif fate < 0.7:
                self._late.append((replica, writes))

    def _read(self, select: Select, statement: Any, *, as_mappings: bool) -> Future:
        if self._rng.random() < self.weather.read_timeout:
            return Future(_raises(ReadTimeout("no answer", required_responses=2, received_responses=1)))

        def answer() -> list[Any]:
            rows = self._rows(select, statement.values)
            return rows if as_mappings else [tuple(row.values()) for row in rows]

        return Future(answer, page_rows=statement.fetch_size)

    def _rows(self, select: Select, values: list[bytes]) -> list[dict[str, Any]]:
        table, given = select.table, list(zip(select.conditions, values, strict=True))
        below = {column: table.value_of(column, value) for (column, operator), value in given if operator == "<"}
        replicas = self._rng.sample(self.replicas, self._quorum)
        equal = {column: value for (column, operator), value in given if operator == "="}
        if all(column in equal for column in table.partition_key):
            partitions = [tuple(equal[column] for column in table.partition_key)]
        else:
            assert not equal, f"a query without the whole partition key would be refused: {select}"
            after, upto = (int.from_bytes(value, "big", signed=True) for value in values or _WHOLE_RING)
            partitions = [partition for token, partition in self._partitions(table) if after < token <= upto]
        found = []
        for partition in partitions:
            rows = merged(replicas, table.name, partition)
            for clustering, cells in rows.items():
                keys = dict(zip(table.key, partition + clustering, strict=True))
                if any(keys[column] != value for column, value in equal.items()):
                    continue
                if any(table.value_of(column, keys[column]) >= bound for column, bound in below.items()):
                    continue
                stored = {**keys, **cells}
                found.append({column: table.value_of(column, stored.get(column)) for column in select.columns})
                if select.is_distinct:
                    break
        return found

    def _partitions(self, table: Definition) -> list[tuple[int, Key]]:
        """Every partition that any replica has heard of, in the order of the ring."""
        known = {partition for replica in self.replicas for partition in replica.partitions(table.name)}
        seen, ring = self._ring.get(table.name, (None, []))
        if seen != known:
            ring = sorted((token_of(partition), partition) for partition in known)
            self._ring[table.name] = known, ring
        return ring


_WHOLE_RING = ((-(2**63)).to_bytes(8, "big", signed=True), (2**63 - 1).to_bytes(8, "big", signed=True))


@lru_cache(maxsize=100_000)
def token_of(partition: Key) -> int:
    """A place on the ring; which hash does it matters to nobody."""
    content = b"".join(len(part).to_bytes(4, "big") + part for part in partition)
    return int.from_bytes(blake2b(content, digest_size=8).digest(), "big", signed=True)


def _keys(table: Definition, partition: Key, clustering: Key) -> dict[str, Any]:
    return {
        column: table.value_of(column, content)
        for column, content in zip(table.key, partition + clustering, strict=True)
    }


def _values(table: Definition, cells: dict[str, bytes]) -> dict[str, Any]:
    return {column: table.value_of(column, cells.get(column)) for column in table.types if column not in table.key}


def _raises(error: Exception) -> Callable[[], list[Any]]:
    def fail() -> list[Any]:
        raise error

    return fail
