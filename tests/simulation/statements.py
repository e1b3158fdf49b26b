"""The ledger's CQL for the fake: statements prepared as the driver does, values in the driver's own bytes."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from cassandra import cqltypes
from cassandra.protocol import ColumnMetadata
from cassandra.query import PreparedStatement

from payments_ledger.schema import statements_of

SCHEMA = Path(__file__).resolve().parents[2] / "cassandra" / "schema.cql"
PROTOCOL = 5

_TYPES = {
    kind.typename: kind
    for kind in (
        *(cqltypes.UUIDType, cqltypes.UTF8Type, cqltypes.Int32Type, cqltypes.LongType, cqltypes.ShortType),
        *(cqltypes.SimpleDateType, cqltypes.BytesType, cqltypes.BooleanType),
    )
} | {"timestamp": cqltypes.DateType}
_CREATE = re.compile(r"CREATE TABLE IF NOT EXISTS \w+\.(\w+) \((.*?)\n\)", re.DOTALL)
_COLUMN = re.compile(r"^\s*(\w+) (frozen<\w+<[\w, ]+>>|\w+)", re.MULTILINE)
_KEY = re.compile(r"PRIMARY KEY \(+([\w, ]+)\)?((?:, \w+)*)\)")
_INSERT = re.compile(r"INSERT INTO (\w+) \(([\w, ]+)\) VALUES \([?, ]+\)( USING TIMESTAMP \?)?$")
_SELECT = re.compile(r"SELECT (DISTINCT )?([\w, ]+) FROM (\w+)(?: WHERE (.+))?$")
_CONDITION = re.compile(r"(?:(token)\([\w, ]+\)|(\w+)) (=|<=|<|>) \?$")


@dataclass(frozen=True, slots=True)
class Definition:
    """A table of schema.cql."""

    name: str
    types: dict[str, Any]
    partition_key: tuple[str, ...]
    clustering_key: tuple[str, ...]

    @property
    def key(self) -> tuple[str, ...]:
        return self.partition_key + self.clustering_key

    def text_of(self, column: str, value: Any) -> bytes:
        """A value as the driver sends it."""
        return bytes(self.types[column].serialize(value, PROTOCOL))

    def value_of(self, column: str, content: bytes | None) -> Any:
        """A value as the driver returns it."""
        return None if content is None else self.types[column].deserialize(content, PROTOCOL)


@dataclass(frozen=True, slots=True)
class Insert:
    table: Definition
    columns: tuple[str, ...]
    has_timestamp: bool

    def parameters(self) -> list[tuple[str, Any]]:
        marks = [(column, self.table.types[column]) for column in self.columns]
        return [*marks, ("[timestamp]", cqltypes.LongType)] if self.has_timestamp else marks


@dataclass(frozen=True, slots=True)
class Select:
    """`conditions` are (column or "token", operator), in the order of the parameters."""

    table: Definition
    columns: tuple[str, ...]
    is_distinct: bool
    conditions: tuple[tuple[str, str], ...]

    def parameters(self) -> list[tuple[str, Any]]:
        return [
            (column, cqltypes.LongType if column == "token" else self.table.types[column])
            for column, _ in self.conditions
        ]


@cache
def definitions() -> dict[str, Definition]:
    """Every table of cassandra/schema.cql by name, with the driver's types."""
    found = {}
    for statement in statements_of(SCHEMA.read_text()):
        created = _CREATE.match(statement)
        if created:
            name, body = created.groups()
            columns = {column: _type(text) for column, text in _COLUMN.findall(body) if column != "PRIMARY"}
            key = _KEY.search(body)
            if key is None:
                only = re.search(r"(\w+) \w+ PRIMARY KEY", body)
                assert only, f"no key in {statement}"
                found[name] = Definition(name, columns, (only.group(1),), ())
                continue
            partition, clustering = (tuple(re.findall(r"\w+", part)) for part in key.groups())
            found[name] = Definition(name, columns, partition, clustering)
    return found


@cache
def parsed(cql: str) -> Insert | Select:
    """What a statement of the ledger's code means. Raises ValueError for what the fake does not know."""
    insert = _INSERT.match(cql)
    if insert:
        return Insert(definitions()[insert.group(1)], tuple(insert.group(2).split(", ")), bool(insert.group(3)))
    select = _SELECT.match(cql)
    if select is None:
        raise ValueError(f"the fake Cassandra does not know this statement, teach it: {cql}")
    distinct, columns, table, where = select.groups()
    matches = [_CONDITION.match(condition) for condition in where.split(" AND ")] if where else []
    if not all(matches):
        raise ValueError(f"the fake Cassandra does not know this condition, teach it: {where}")
    conditions = tuple((found.group(1) or found.group(2), found.group(3)) for found in matches if found)
    return Select(definitions()[table], tuple(columns.split(", ")), bool(distinct), conditions)


def prepared(cql: str, query_id: bytes) -> PreparedStatement:
    """The driver's own prepared statement: it checks and serialises values as it does for a server."""
    statement = parsed(cql)
    metadata = [ColumnMetadata("simulated", statement.table.name, *mark) for mark in statement.parameters()]
    return PreparedStatement(metadata, query_id, [0], cql, "simulated", PROTOCOL, None, None)


def _type(text: str) -> Any:
    collection = re.match(r"frozen<(\w+)<([\w, ]+)>>", text)
    if collection is None:
        return _TYPES[text]
    kind = {"map": cqltypes.MapType, "set": cqltypes.SetType}[collection.group(1)]
    return kind.apply_parameters([_TYPES[part] for part in collection.group(2).split(", ")])
