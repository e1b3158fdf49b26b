"""Order files for tests, in all the shapes they come in."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

HEADER = ("Invoice", "StockCode", "Description", "Quantity", "InvoiceDate", "Price", "Customer ID", "Country")
LATEST = datetime(2026, 1, 1, tzinfo=UTC)


def row(invoice: Any = "1", **changes: Any) -> dict[str, Any]:
    """One good row: two pieces at 1.50, on the first of February 2010."""
    return {
        "Invoice": invoice, "StockCode": "85048", "Description": "GLASS BALL", "Quantity": 2,
        "InvoiceDate": "2010-02-01 08:00:00", "Price": 1.5, "Customer ID": 13085.0, "Country": "France",
    } | changes  # fmt: skip


def write_parquet(path: Path, rows: Sequence[Mapping[str, Any]], **arguments: Any) -> Path:
    pq.write_table(pa.Table.from_pylist([dict(row) for row in rows]), path, **arguments)
    return path


def write_csv(path: Path, lines: Sequence[str], encoding: str = "utf-8") -> Path:
    path.write_bytes("\r\n".join([*lines, ""]).encode(encoding))
    return path
