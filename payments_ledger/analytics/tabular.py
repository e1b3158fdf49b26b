"""Rows for people, for programs and for spreadsheets."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from typing import Any


def table_lines(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Iterator[str]:
    """A heading and a line a row, columns aligned, numbers to the right."""
    texts = [[shown(value) for value in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(columns, *texts, strict=True)]
    is_number = [all(isinstance(row[place], int) for row in rows) for place in range(len(columns))]
    for line in [list(columns), *texts]:
        cells = (
            text.rjust(width) if right else text.ljust(width)
            for text, width, right in zip(line, widths, is_number, strict=True)
        )
        yield "  ".join(cells).rstrip()


def csv_lines(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Iterator[str]:
    """The same as CSV, heading first."""
    for line in [columns, *rows]:
        buffer = io.StringIO()
        csv.writer(buffer, lineterminator="").writerow([shown(value) for value in line])
        yield buffer.getvalue()


def json_rows(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[dict[str, Any]]:
    """The same as objects; numbers, texts and null stay what they are."""
    plain = (int, str, dict, type(None))
    return [
        {name: value if isinstance(value, plain) else str(value) for name, value in zip(columns, row, strict=True)}
        for row in rows
    ]


def shown(value: Any) -> str:
    if value is None:
        return ""
    return json.dumps(value, sort_keys=True) if isinstance(value, dict) else str(value)
