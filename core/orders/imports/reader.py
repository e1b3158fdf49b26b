"""Rows of an order file, Parquet or CSV, as a stream: memory does not grow with the file."""

import codecs
import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from core.orders.imports.columns import positions_of
from core.orders.imports.errors import UnusableFile

BATCH_ROWS = 16_384
PARQUET_MAGIC = b"PAR1"
DELIMITERS = ",;\t"


class RawRow(NamedTuple):
    """One data row, numbered from 1, with its cells in the order of COLUMNS; with a `problem` they are a guess."""

    number: int
    cells: tuple[Any, ...]
    problem: str = ""


def read_rows(path: Path) -> Iterator[RawRow]:
    """All rows of the file, in its order. The format is told by the content, not by the name.

    Raises UnusableFile before the first row when the file cannot be opened or lacks a column, and later on when it
    turns out damaged.
    """
    try:
        with path.open("rb") as file:
            magic = file.read(len(PARQUET_MAGIC))
        rows = _parquet_rows(path) if magic == PARQUET_MAGIC else _csv_rows(path)
        yield from rows
    except OSError as error:
        raise UnusableFile(f"it cannot be read: {error.strerror or error}") from error


def _parquet_rows(path: Path) -> Iterator[RawRow]:
    try:
        with pq.ParquetFile(path) as file:
            header = file.schema_arrow.names
            names = [header[position] for position in positions_of(header)]
            number = 0
            for batch in file.iter_batches(batch_size=BATCH_ROWS, columns=names):
                # The columns come in the file's order, whatever order was asked for.
                for cells in zip(*(batch.column(name).to_pylist() for name in names), strict=True):
                    number += 1
                    yield RawRow(number, cells)
    except (pa.ArrowException, ValueError) as error:
        raise UnusableFile(f"it is not a sound Parquet file: {_first_line(error)}") from error


def _csv_rows(path: Path) -> Iterator[RawRow]:
    with path.open(encoding=_encoding_of(path), newline="") as file:
        heading = file.readline()
        file.seek(0)
        delimiter = max(DELIMITERS, key=heading.count)
        lines = csv.reader(file, delimiter=delimiter)
        try:
            header = next(lines, [])
            positions = positions_of(header)
            # A blank line is no row.
            for number, cells in enumerate(filter(None, lines), start=1):
                problem = "" if len(cells) == len(header) else f"{len(cells)} cells instead of {len(header)}"
                cells += [""] * (len(header) - len(cells))
                yield RawRow(number, tuple(cells[position] for position in positions), problem)
        except csv.Error as error:
            raise UnusableFile(f"line {lines.line_num} is no CSV: {error}") from error


def _encoding_of(path: Path) -> str:
    """UTF-8 (with or without a byte order mark) if the whole file is; otherwise Windows-1252 or, at last, Latin-1."""
    for encoding in ("utf-8-sig", "cp1252"):
        decoder = codecs.getincrementaldecoder(encoding)()
        try:
            with path.open("rb") as file:
                while block := file.read(1 << 20):
                    decoder.decode(block)
                decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            continue
        return encoding
    return "latin-1"


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
