"""One replica of the fake Cassandra: last write wins, cell by cell, whatever the order in which writes arrive."""

from collections.abc import Iterator
from dataclasses import dataclass, field

# A cell is (timestamp, is_tombstone, value): the greater tuple wins, which is Cassandra's own rule. The newer write
# wins; of two at one timestamp a tombstone wins, and between two values the larger bytes.
Cell = tuple[int, bool, bytes]
Key = tuple[bytes, ...]
NEVER = -(2**63)


@dataclass(slots=True)
class StoredRow:
    """A row as cells. `marker` is the timestamp of its newest INSERT; an UPDATE leaves none."""

    marker: int = NEVER
    deleted_at: int = NEVER
    cells: dict[str, Cell] = field(default_factory=dict)

    def merge(self, other: "StoredRow") -> None:
        self.marker = max(self.marker, other.marker)
        self.deleted_at = max(self.deleted_at, other.deleted_at)
        for column, cell in other.cells.items():
            known = self.cells.get(column)
            if known is None or cell > known:
                self.cells[column] = cell

    def visible(self) -> dict[str, bytes] | None:
        """The values a reader sees; None when there is no row for it."""
        live = {
            column: value
            for column, (written_at, is_tombstone, value) in self.cells.items()
            if not is_tombstone and written_at > self.deleted_at
        }
        return live if live or self.marker > self.deleted_at else None

    @property
    def tombstones(self) -> int:
        return sum(is_tombstone for _, is_tombstone, _ in self.cells.values()) + (self.deleted_at > NEVER)


@dataclass(frozen=True, slots=True)
class Write:
    """What one row of a statement does to one row of a table."""

    table: str
    partition: Key
    clustering: Key
    row: StoredRow


@dataclass(slots=True)
class Replica:
    """Tables by name, partitions by key, rows by clustering key."""

    tables: dict[str, dict[Key, dict[Key, StoredRow]]] = field(default_factory=dict)

    def apply(self, writes: tuple[Write, ...]) -> None:
        for write in writes:
            rows = self.tables.setdefault(write.table, {}).setdefault(write.partition, {})
            known = rows.get(write.clustering)
            if known is None:
                known = rows[write.clustering] = StoredRow()
            known.merge(write.row)

    def truncate(self, table: str) -> None:
        self.tables.pop(table, None)

    def partitions(self, table: str) -> Iterator[Key]:
        yield from self.tables.get(table, ())

    def rows(self, table: str, partition: Key) -> dict[Key, StoredRow]:
        return self.tables.get(table, {}).get(partition, {})

    def tombstones(self) -> int:
        return sum(
            row.tombstones
            for table in self.tables.values()
            for partition in table.values()
            for row in partition.values()
        )


def merged(replicas: list[Replica], table: str, partition: Key) -> dict[Key, dict[str, bytes]]:
    """The visible rows of a partition as a coordinator sees them, which has asked these replicas."""
    found: dict[Key, StoredRow] = {}
    for replica in replicas:
        for clustering, row in replica.rows(table, partition).items():
            found.setdefault(clustering, StoredRow()).merge(row)
    visible = ((clustering, found[clustering].visible()) for clustering in sorted(found))
    return {clustering: values for clustering, values in visible if values is not None}
