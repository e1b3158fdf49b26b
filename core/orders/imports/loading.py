"""Fills the spool from a file and turns it into invoices; what cannot be read goes to the rejects."""

from collections.abc import Iterator
from datetime import datetime
from itertools import chain, islice
from pathlib import Path

from core.orders.imports.errors import BadRow
from core.orders.imports.invoices import Invoice, build_invoice
from core.orders.imports.reader import RawRow, read_rows
from core.orders.imports.rejects import Rejects
from core.orders.imports.rows import Line, invoice_number, parse_row
from core.orders.imports.spool import INSERT_ROWS, Spool


def fill(
    *, spool: Spool, path: Path, rejects: Rejects, currency: str, latest: datetime, day_first: bool = False
) -> int:
    """Read the whole file into the spool; returns how many rows it has. Raises UnusableFile.

    An invoice with a row that cannot be read is kept out as a whole: with the rest alone its total would be wrong,
    and what is booked is booked for ever. Mend the row and import the file again.
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
        spool.add(list(chain([first], islice(lines, INSERT_ROWS - 1))))
    spool.finish_filling()
    _hold_impossible(spool, rejects, currency)
    for line, row in spool.held_lines():
        if line.row != row:
            rejects.add_line(line, reason=f"held back with its invoice, because of row {row}")
    return rows


def invoices_of(spool: Spool, *, currency: str) -> Iterator[Invoice]:
    """Every invoice that can be booked, in the order of booking."""
    for lines in spool.invoices():
        yield build_invoice(lines, currency=currency)


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


def _hold_impossible(spool: Spool, rejects: Rejects, currency: str) -> None:
    """Hold the invoices whose lines can be read one by one but do not make an invoice together."""
    impossible: list[tuple[Line, str]] = []
    for lines in spool.invoices():
        try:
            build_invoice(lines, currency=currency)
        except BadRow as error:
            impossible.append((lines[0], str(error)))
    for first, reason in impossible:
        rejects.add_line(first, reason=reason)
        spool.hold(invoice=first.invoice, row=first.row)
