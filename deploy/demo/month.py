"""The part of a file of orders that falls in some days."""

from datetime import date, datetime, time, timedelta
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq


def cut_out(source: Path, first_day: date, last_day: date, *, into: Path) -> Path:
    """A Parquet file with the rows of these days (both included), the same bytes for the same rows.

    An import knows a file by its content: cut out again, it is the same import.
    """
    rows = pq.read_table(source)
    begin = datetime.combine(first_day, time())
    end = datetime.combine(last_day + timedelta(days=1), time())
    moments = rows["InvoiceDate"]
    kept = rows.filter(pc.and_(pc.greater_equal(moments, begin), pc.less(moments, end)))
    into.mkdir(parents=True, exist_ok=True)
    target = into / f"orders-{first_day}-to-{last_day}.parquet"
    pq.write_table(kept, target)
    return target
