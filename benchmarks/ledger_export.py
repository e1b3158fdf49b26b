"""The export of booking days to Parquet: `python -m benchmarks.ledger_export --days 10 --events 100000`.

Fills that many days of events_by_day on a stack of its own, then exports them in two processes, the start of the
processes included. The baseline, in the same run and with two processes too, reads the same partitions with the
driver's own decoding and writes the columns to Parquet: no digests, no sums, no flush to disk, nothing renamed.
"""

import argparse
import random
import resource
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID
from zlib import crc32

from benchmarks.figures import Figure, median, report, say
from benchmarks.stack import fresh_stack
from deploy.local.layout import LEDGER_BENCH

if TYPE_CHECKING:
    from payments_ledger.analytics.days import DayTask

BENCH = "ledger"
PROCESSES = 2
DAYS = 10
EVENTS_A_DAY = 100_000
RUNS = 3
FIRST_DAY = date(2020, 1, 1)
BATCH_ROWS = 50
IN_FLIGHT_MAX = 60
# Payment type → its share and the account that pays; about what a shop with cards has.
TYPES = {
    "card": (70, "psp_clearing:simulator"),
    "wallet": (20, "wallet_liability"),
    "boleto": (10, "psp_clearing:simulator"),
}
EVENTS = (("payments.payment.created.v1", "processing"), ("payments.payment.captured.v1", "captured"))


def fill(days: Sequence[date], events: int) -> None:
    """Rows of events_by_day as the sink writes them, without the other tables."""
    from cassandra.query import BatchStatement, BatchType

    from payments_ledger import session
    from payments_ledger.tables import EVENTS_BY_DAY

    insert = session.prepared(EVENTS_BY_DAY.insert_cql())
    waiting: deque[Any] = deque()
    for day in days:
        partitions: dict[Any, list[Any]] = {}
        for row in _rows(day, events):
            rows = partitions.setdefault(row[:3], [])
            rows.append((*row, row[3] * 1000))
            if len(rows) < BATCH_ROWS:
                continue
            batch = BatchStatement(BatchType.UNLOGGED)
            for each in rows:
                batch.add(insert, each)
            rows.clear()
            if len(waiting) == IN_FLIGHT_MAX:
                waiting.popleft().result()
            waiting.append(session.submit(batch))
        for rows in partitions.values():
            waiting.extend(session.submit(insert.bind(each)) for each in rows)
        while waiting:
            waiting.popleft().result()
        say(f"{day}: {events} events")


def _rows(day: date, events: int) -> Iterator[tuple[Any, ...]]:
    dice = random.Random(day.toordinal())
    midnight = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)
    kinds = dice.choices(list(TYPES), [share for share, _ in TYPES.values()], k=events)
    for number, payment_type in enumerate(kinds):
        payment_id, order_id, user_id = (UUID(int=dice.getrandbits(128), version=4) for _ in range(3))
        event_type, status = EVENTS[number % 2]
        amount = dice.randrange(100, 100_000)
        postings = {TYPES[payment_type][1]: amount, "revenue": -amount} if status == "captured" else {}
        booked_at = midnight + number * 86_400_000 // events
        bucket = crc32(str(payment_id).encode()) % 4
        yield (
            day, payment_type, bucket, booked_at, payment_id, 1 + number % 2, order_id, user_id, event_type, amount,
            "GBP", status, "simulator", "GB", booked_at, postings, dice.randbytes(32),
        )  # fmt: skip


def export(tasks: "Sequence[DayTask]", folder: Path) -> int:
    from payments_ledger.analytics.export import Plan, run_export

    return sum(result.rows for result in run_export(Plan(due=list(tasks)), folder=folder, processes=PROCESSES))


def bare_scan(tasks: "Sequence[DayTask]", folder: Path) -> int:
    from payments_ledger.analytics.processes import processes_of_their_own

    folder.mkdir()
    with processes_of_their_own(PROCESSES) as executor:
        return sum(executor.map(bare_scan_of_day, tasks, [folder] * len(tasks)))


def bare_scan_of_day(task: "DayTask", folder: Path) -> int:
    """What anybody would write first."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from payments_ledger import session
    from payments_ledger.analytics.pages import ROW_COLUMNS
    from payments_ledger.tables import EVENTS_BY_DAY

    cql = EVENTS_BY_DAY.select_cql(columns=ROW_COLUMNS, where=EVENTS_BY_DAY.partition_condition())
    rows = [row for block in task.blocks for row in session.stream(cql, block)]
    columns = dict(zip(ROW_COLUMNS, zip(*rows, strict=True), strict=True))
    arrays: dict[str, Any] = {}
    for name, values in columns.items():
        if name.endswith("_id"):
            arrays[name] = pa.array([value.bytes for value in values], pa.binary(16))
        elif name == "postings":
            arrays[name] = pa.array([list(value.items()) for value in values], pa.map_(pa.string(), pa.int64()))
        else:
            arrays[name] = pa.array(values)
    pq.write_table(pa.table(arrays), folder / f"{task.day}.parquet", compression="zstd")
    return len(rows)


def timed(
    work: "Callable[[Sequence[DayTask], Path], int]", tasks: "Sequence[DayTask]", rows: int
) -> tuple[float, float]:
    """Rows a second, and microseconds of client processor time a row."""
    with tempfile.TemporaryDirectory(prefix="ledger-export-") as directory:
        before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        done = work(tasks, Path(directory) / "export")
        seconds, after = time.monotonic() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done != rows:
        raise SystemExit(f"{work.__name__} read {done} rows of {rows}")
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    say(f"{work.__name__}: {rows} rows in {seconds:.1f} s, {rows / seconds:.0f}/s, {spent * 1e6 / rows:.1f} µs a row")
    return rows / seconds, spent * 1e6 / rows


def measure(*, days: int = DAYS, events: int = EVENTS_A_DAY, runs: int = RUNS) -> None:
    """Fill the days and report. Leaves rows in events_by_day that PostgreSQL does not know."""
    from payments_ledger.analytics.blocks import blocks_of
    from payments_ledger.analytics.days import DayTask

    dates = [FIRST_DAY + timedelta(days=number) for number in range(days)]
    fill(dates, events)
    tasks = [DayTask(day, tuple(blocks_of(day)), None, Path()) for day in dates]
    rows = days * events
    found: dict[str, list[tuple[float, float]]] = {"export": [], "bare_scan": []}
    for _ in range(runs):
        found["bare_scan"].append(timed(bare_scan, tasks, rows))
        found["export"].append(timed(_export_into, tasks, rows))
    rates = {name: median([rate for rate, _ in runs]) for name, runs in found.items()}
    costs = {name: median([cost for _, cost in runs]) for name, runs in found.items()}
    report(
        Figure(BENCH, "export_rows_per_second", rates["export"], "1/s", rates["bare_scan"],
               "80000 required, 120000 aimed at")
    )  # fmt: skip
    report(Figure(BENCH, "export_client_us_per_row", costs["export"], "µs", costs["bare_scan"], "reported"))


def _export_into(tasks: "Sequence[DayTask]", folder: Path) -> int:
    from dataclasses import replace

    return export([replace(task, folder=folder) for task in tasks], folder)


def parser() -> argparse.ArgumentParser:
    arguments = argparse.ArgumentParser(prog="python -m benchmarks.ledger_export", description=__doc__)
    arguments.add_argument("--days", type=int, default=DAYS, help="booking days")
    arguments.add_argument("--events", type=int, default=EVENTS_A_DAY, help="events a day")
    arguments.add_argument("--runs", type=int, default=RUNS, help="runs of each; the median counts")
    return arguments


def main(argv: Sequence[str]) -> int:
    options = parser().parse_args(argv)
    with fresh_stack(LEDGER_BENCH):
        measure(days=options.days, events=options.events, runs=options.runs)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
