"""What somebody at cqlsh can do to a ledger that is in order: edit, erase, delete, add. Each at the present time."""

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from payments_ledger.reconciliation.report import Kind
from tests.simulation.coordinator import Coordinator
from tests.simulation.lives import random_id
from tests.simulation.replica import Key, StoredRow, Write
from tests.simulation.statements import Definition, definitions

Row = dict[str, Any]
# Table, payment and, where the key has one, sequence number.
Place = tuple[str, UUID, int | None]
# Where something was done by hand, and what a verification may call it.
Deed = tuple[Place, frozenset[Kind]]

CHANGED = frozenset({Kind.DIFFERENT, Kind.HASH_BROKEN, Kind.STALE, Kind.UNBALANCED})
GONE = frozenset({Kind.MISSING})
ADDED = frozenset({Kind.EXTRA})


def meddle(rng: random.Random, cassandra: Coordinator, *, tables: list[str], now_us: int, most: int) -> list[Deed]:
    """Do up to `most` things to rows of these tables, never two to one row; what was done, and where."""
    rows = [(definitions()[table], row) for table in tables for row in cassandra.everything(table)]
    deeds: list[Deed] = []
    for table, row in rng.sample(rows, min(most, len(rows))):
        write, kinds, touched = rng.choice(_WAYS)(rng, table, row, now_us)
        cassandra.by_hand([write])
        deeds.append((place_of(table, touched), kinds))
    return deeds


def clear_partition(rng: random.Random, cassandra: Coordinator, *, table: str, now_us: int) -> list[Deed]:
    """Delete every row of one partition."""
    definition, rows = definitions()[table], cassandra.everything(table)
    if not rows:
        return []
    chosen = rng.choice(rows)
    same = [row for row in rows if all(row[column] == chosen[column] for column in definition.partition_key)]
    cassandra.by_hand(_deletion(rng, definition, row, now_us)[0] for row in same)
    return [(place_of(definition, row), GONE) for row in same]


def place_of(table: Definition, row: Row) -> Place:
    return table.name, row["payment_id"], row["seq"] if "seq" in table.key else None


def _edit(rng: random.Random, table: Definition, row: Row, now_us: int) -> tuple[Write, frozenset[Kind], Row]:
    column = rng.choice([column for column in table.types if column not in table.key])
    value = _other_value(rng, column, row[column])
    return _update(table, row, column, (now_us, False, table.text_of(column, value))), CHANGED, row


def _erase(rng: random.Random, table: Definition, row: Row, now_us: int) -> tuple[Write, frozenset[Kind], Row]:
    column = rng.choice([column for column in table.types if column not in table.key and row[column] is not None])
    return _update(table, row, column, (now_us, True, b"")), CHANGED, row


def _deletion(_: random.Random, table: Definition, row: Row, now_us: int) -> tuple[Write, frozenset[Kind], Row]:
    return Write(table.name, *_key(table, row), StoredRow(deleted_at=now_us)), GONE, row


def _addition(rng: random.Random, table: Definition, row: Row, now_us: int) -> tuple[Write, frozenset[Kind], Row]:
    """A row of a payment that never was, or of an event that a payment never had."""
    added = {**row, "payment_id": random_id(rng)}
    if "seq" in table.key and rng.random() < 0.5:
        added = {**row, "seq": row["seq"] + 1000}
    cells = {
        column: (now_us, False, table.text_of(column, value))
        for column, value in added.items()
        if column not in table.key and value is not None
    }
    return Write(table.name, *_key(table, added), StoredRow(marker=now_us, cells=cells)), ADDED, added


_WAYS: tuple[Callable[[random.Random, Definition, Row, int], tuple[Write, frozenset[Kind], Row]], ...] = (
    _edit,
    _erase,
    _deletion,
    _addition,
)


def _update(table: Definition, row: Row, column: str, cell: tuple[int, bool, bytes]) -> Write:
    return Write(table.name, *_key(table, row), StoredRow(cells={column: cell}))


def _key(table: Definition, row: Row) -> tuple[Key, Key]:
    partition = tuple(table.text_of(column, row[column]) for column in table.partition_key)
    return partition, tuple(table.text_of(column, row[column]) for column in table.clustering_key)


def _other_value(rng: random.Random, column: str, value: Any) -> Any:
    match value:
        case None:
            return random_id(rng)  # only object_id may be empty
        case UUID():
            return random_id(rng)
        case bool():
            return not value
        case int():
            return value + rng.choice([-1, 1])
        case str():
            return value + "?" if column != "body" else value.replace("a", "b", 1)
        case bytes():
            return bytes([value[0] ^ 1]) + value[1:]
    if hasattr(value, "items"):
        return {**value, "nobody": 1}
    return value.date() + timedelta(days=1) if column == "booking_day" else value + timedelta(days=rng.choice([-1, 1]))
