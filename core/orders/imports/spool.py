"""Brings the lines of each invoice together, whatever the file's order, in a temporary database on disk.

Lines of one invoice may stand far apart, and the opening stock depends on the whole file, so the lines are read more
than once; on disk they take no memory, however many there are.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from core.orders.imports.invoices import Kind
from core.orders.imports.rows import Line

INSERT_ROWS = 10_000
_HELD = "EXISTS (SELECT 1 FROM held WHERE held.invoice = invoice.invoice)"
_NEW = "EXISTS (SELECT 1 FROM verdict WHERE verdict.invoice = invoice.invoice AND verdict.is_new)"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

_TABLES = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -65536;
CREATE TABLE line (
    row INTEGER PRIMARY KEY, invoice TEXT NOT NULL, sku TEXT NOT NULL, description TEXT NOT NULL,
    quantity INTEGER NOT NULL, price TEXT NOT NULL, occurred_at INTEGER NOT NULL, customer TEXT NOT NULL,
    country TEXT NOT NULL
);
CREATE TABLE held (invoice TEXT PRIMARY KEY, row INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE verdict (
    invoice TEXT PRIMARY KEY, kind TEXT NOT NULL, total_minor INTEGER NOT NULL, is_new INTEGER NOT NULL
) WITHOUT ROWID;
"""
_INDEX = """
CREATE INDEX line_invoice ON line (invoice, row);
CREATE TABLE invoice AS
    SELECT invoice, min(occurred_at) AS occurred_at, min(row) AS row FROM line GROUP BY invoice;
CREATE INDEX invoice_order ON invoice (occurred_at, row);
"""
_LINES = """
SELECT line.* FROM invoice CROSS JOIN line ON line.invoice = invoice.invoice
WHERE {condition}
ORDER BY invoice.occurred_at, invoice.row, line.row
"""


class Verdict(NamedTuple):
    """What was decided about one invoice: its kind, its total, and whether it is yet to be booked."""

    invoice: str
    kind: Kind
    total_minor: int
    is_new: bool


class Spool:
    """Lines in, invoices out. Fill it, call `finish_filling` once, then read it as often as needed."""

    def __init__(self, *, path: Path) -> None:
        self._database = sqlite3.connect(path, isolation_level=None)
        self._database.executescript(_TABLES)

    def add(self, lines: Iterable[Line]) -> None:
        """Store lines in one transaction."""
        self._database.execute("BEGIN")
        self._database.executemany("INSERT INTO line VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", map(_stored, lines))
        self._database.execute("COMMIT")

    def hold(self, *, invoice: str, row: int) -> None:
        """Keep this invoice out of `invoices`, because of this row: without it the total would be wrong."""
        self._database.execute("INSERT OR IGNORE INTO held VALUES (?, ?)", (invoice, row))

    def finish_filling(self) -> None:
        self._database.executescript(_INDEX)

    def decide(self, verdicts: Iterable[Verdict]) -> None:
        """Store what was decided about these invoices."""
        self._database.execute("BEGIN")
        self._database.executemany("INSERT INTO verdict VALUES (?, ?, ?, ?)", verdicts)
        self._database.execute("COMMIT")

    def invoices(self) -> Iterator[list[Line]]:
        """The lines of every invoice not held: by its earliest time, then by the row where it first appears."""
        return self._grouped(f"NOT {_HELD}")

    def new_invoices(self) -> Iterator[list[Line]]:
        """As `invoices`, but only those decided to be booked now."""
        return self._grouped(_NEW)

    def verdicts(self) -> Iterator[Verdict]:
        """Everything decided so far."""
        for invoice, kind, total_minor, is_new in self._database.execute("SELECT * FROM verdict"):
            yield Verdict(invoice, Kind(kind), total_minor, bool(is_new))

    def held_lines(self) -> Iterator[tuple[Line, int]]:
        """Readable lines of held invoices, each with the row because of which its invoice is held."""
        rows = dict(self._database.execute("SELECT invoice, row FROM held"))
        for lines in self._grouped(_HELD):
            for line in lines:
                yield line, rows[line.invoice]

    def close(self) -> None:
        self._database.close()

    def _grouped(self, condition: str) -> Iterator[list[Line]]:
        rows = self._database.execute(_LINES.format(condition=condition))
        for _, lines in groupby(map(_restored, rows), key=lambda line: line.invoice):
            yield list(lines)


def _stored(line: Line) -> tuple[object, ...]:
    values = list(line)
    values[5] = str(line.price)
    values[6] = (line.occurred_at - _EPOCH) // _MICROSECOND
    return tuple(values)


def _restored(row: tuple[int, str, str, str, int, str, int, str, str]) -> Line:
    return Line(*row[:5], _price(row[5]), _moment(row[6]), row[7], row[8])


@lru_cache(maxsize=65_536)
def _price(text: str) -> Decimal:
    return Decimal(text)


@lru_cache(maxsize=65_536)
def _moment(microseconds: int) -> datetime:
    return _EPOCH + microseconds * _MICROSECOND
