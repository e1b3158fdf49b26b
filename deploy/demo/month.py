"""The part of a file of orders that falls in some days."""

from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq


def cut_out(source: Path, first_day: date, last_day: date, *, into: Path) -> Path:
    """A Parquet file with the rows of these days (both included), the same bytes for the same rows.

    An import knows a file by its content: cut out again, it is the same import.
    """
    rows = pq.read_table(source)
    # As text a time begins with its day in ISO 8601, whether the file holds texts or timestamps.
    moments = rows["InvoiceDate"].cast(pa.string())
    is_kept = pc.and_(
        pc.greater_equal(moments, first_day.isoformat()), pc.less(moments, (last_day + timedelta(days=1)).isoformat())
    )
    kept = rows.filter(is_kept)
    into.mkdir(parents=True, exist_ok=True)
    target = into / f"orders-{first_day}-to-{last_day}.parquet"
    pq.write_table(kept, target)
    return target
