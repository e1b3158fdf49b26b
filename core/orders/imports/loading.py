"""Fills the spool from a file; rows that cannot be read go to the rejects."""

from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import chain, islice
from pathlib import Path

from core.orders.imports.errors import BadRow
from core.orders.imports.reader import RawRow, read_rows
from core.orders.imports.rejects import Rejects
from core.orders.imports.rows import Line, invoice_number, parse_row
from core.orders.imports.spool import INSERT_ROWS, Spool


def fill(
    *,
    spool: Spool,
    path: Path,
    rejects: Rejects,
    latest: datetime,
    day_first: bool = False,
    advance: Callable[[int], None] = lambda rows: None,
) -> int:
    """Read the whole file into the spool; returns how many rows it has. Raises UnusableFile.

    An invoice with a row that cannot be read is held: with the rest alone its total would be wrong, and what is
    booked is booked for ever. Mend the row and import the file again. `advance` is told of rows as they are stored.
    """
    rows = 0

    def readable() -> Iterator[Line]:
        nonlocal rows
        for raw in read_rows(path):
            rows += 1
            try:
                yield _parse(raw, latest, day_first)
            except BadRow as error:
                _reject(spool, rejects, raw, str(error))

    lines = readable()
    for first in lines:
        # One INSERT transaction at a time: `hold` writes between them, never inside one.
        block = list(chain([first], islice(lines, INSERT_ROWS - 1)))
        spool.add(block)
        advance(len(block))
    spool.finish_filling()
    return rows


def _parse(raw: RawRow, latest: datetime, day_first: bool) -> Line:
    if raw.problem:
        raise BadRow(raw.problem)
    return parse_row(raw.cells, row=raw.number, latest=latest, day_first=day_first)


def _reject(spool: Spool, rejects: Rejects, raw: RawRow, reason: str) -> None:
    rejects.add(row=raw.number, reason=reason, cells=raw.cells)
    try:
        spool.hold(invoice=invoice_number(raw.cells[0]), row=raw.number)
    except BadRow:
        # Without a number it belongs to no invoice that could be held.
        return
