"""The rejects file: every row that was not imported, with its reason."""

import csv
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from core.orders.imports.columns import COLUMNS
from core.orders.imports.rows import Line

SHOWN_MAX = 20


class Rejects:
    """Writes the file as rows come, replacing that of an earlier run; with nothing to write there is no file."""

    def __init__(self, *, path: Path) -> None:
        self.path = path
        self.count = 0
        self.shown: list[str] = []
        path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.count:
            self._file.close()

    def add(self, *, row: int, reason: str, cells: Sequence[Any]) -> None:
        """Write one row, whose `cells` stand in the order of COLUMNS."""
        if not self.count:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("w", encoding="utf-8", newline="")
            self._writer = csv.writer(self._file)
            self._writer.writerow(["Row", "Reason", *COLUMNS])
        self._writer.writerow([row, reason, *cells])
        self.count += 1
        if len(self.shown) < SHOWN_MAX:
            self.shown.append(f"row {row}: {reason}")

    def add_line(self, line: Line, *, reason: str) -> None:
        cells = [
            line.invoice, line.sku, line.description, line.quantity, line.occurred_at.isoformat(), line.price,
            line.customer, line.country,
        ]  # fmt: skip
        self.add(row=line.row, reason=reason, cells=cells)
