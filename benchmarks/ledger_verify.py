"""How long `ledger verify --quick` takes over a million events of both stores: `python -m benchmarks.ledger_verify`.

The baseline of the time is the driver and PostgreSQL alone, in the same run and as many processes: the same columns of
the same rows are read and nothing is done with them. The baseline of the memory is a quarter of the events, so that
one sees whether it grows with the data.
"""

import argparse
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING

from benchmarks.figures import Figure, report, say
from benchmarks.stack import Stack, fresh_stack
from deploy.local.layout import LEDGER_BENCH

if TYPE_CHECKING:
    from payments_ledger.reconciliation.report import Report

BENCH = "ledger"
EVENTS = 1_000_000
EVENTS_A_PAYMENT = 2.5
PROCESSES = 2
SAMPLE_SECONDS = 0.1


class NotVerified(Exception):
    """The stores were loaded alike and verify says otherwise: the figures would mean nothing."""


@dataclass(frozen=True, slots=True)
class Run:
    """One verification: wall seconds with the start of its processes, and the memory of all of them at the most."""

    seconds: float
    rss_mb: float


def measure(stack: Stack, *, events: int = EVENTS, deep: bool = False) -> None:
    """Fill both stores of the running bench stack and print verify_million_seconds and verify_rss_mb.

    With fewer events the seconds are those of a million at the same rate. Raises NotVerified, LedgerUnavailable.
    """
    from benchmarks.ledger_events import load

    payments = int(events / EVENTS_A_PAYMENT)
    loaded = load(first_payment=0, payments=payments // 4)
    small = verified(loaded, is_deep=False)
    loaded += load(first_payment=payments // 4, payments=payments - payments // 4)
    say(f"{loaded} events in both stores")
    stack.settle()
    raw_seconds = raw_scan()
    million = 1_000_000 / loaded
    whole = verified(loaded, is_deep=False)
    say(f"{loaded} events: raw scan {raw_seconds:.1f} s, quick {whole.seconds:.1f} s")
    report(
        Figure(BENCH, "verify_million_seconds", whole.seconds * million, "s", raw_seconds * million, "<= 40, aim 20 s")
    )
    report(Figure(BENCH, "verify_rss_mb", whole.rss_mb, "MB", small.rss_mb, "bounded as data grows"))
    if deep:
        run = verified(loaded, is_deep=True)
        report(Figure(BENCH, "verify_deep_million_seconds", run.seconds * million, "s", raw_seconds * million))
        report(Figure(BENCH, "verify_deep_rss_mb", run.rss_mb, "MB", target="bounded as data grows"))


def verified(events: int, *, is_deep: bool) -> Run:
    """Verify everything; what it found must be these events and no difference. Raises NotVerified."""
    from payments_ledger.reconciliation.verify import verify

    began = time.monotonic()
    with peak_rss_mb() as peak:
        found: Report = verify(is_deep=is_deep, processes=PROCESSES)
    seconds = time.monotonic() - began
    if not found.agrees or found.totals["postgresql"].count != events:
        raise NotVerified(f"{found.totals['postgresql'].count} of {events} events, {dict(found.counts)}")
    return Run(seconds, peak())


def raw_scan() -> float:
    """Seconds to read the columns that a quick verification reads, and nothing more."""
    from payments_ledger.reconciliation import sharing

    began = time.monotonic()
    rows = sum(sharing.results(read_raw, _pieces(), processes=PROCESSES))
    seconds = time.monotonic() - began
    say(f"{rows} rows read raw in {seconds:.1f} s")
    return seconds


def read_raw(piece: object) -> int:
    """Rows of one piece of Cassandra, or of PostgreSQL's hashes when it is None."""
    from django.db import connection

    from payments_ledger.reconciliation.scanning import Reading, pages

    if isinstance(piece, Reading):
        return sum(len(rows) for _, rows in pages(piece))
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(body_sha256), sum(amount_minor) FROM payments_paymentevent")
        return int(cursor.fetchone()[0])


def _pieces() -> Iterator[object]:
    from payments_ledger.reconciliation import scope, summing
    from payments_ledger.reconciliation.checks import CHECKS, HASHED
    from payments_ledger.reconciliation.scanning import readings

    limits, _ = scope.fix_scope()
    yield None
    for name in HASHED:
        yield from readings(summing.narrowed(CHECKS[name]), limits)


@contextmanager
def peak_rss_mb() -> Iterator[Callable[[], float]]:
    """The most memory that this process and its children held together meanwhile, sampled."""
    most, is_over = 0, Event()

    def watch() -> None:
        nonlocal most
        while not is_over.wait(SAMPLE_SECONDS):
            most = max(most, sum(_rss_bytes(process) for process in _family()))

    watcher = Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield lambda: most / 2**20
    finally:
        is_over.set()
        watcher.join()


def _family() -> list[int]:
    own = os.getpid()
    children = [int(child) for path in Path(f"/proc/{own}/task").iterdir() for child in _words(path / "children")]
    return [own, *children]


def _rss_bytes(process: int) -> int:
    words = _words(Path(f"/proc/{process}/statm"))
    return int(words[1]) * os.sysconf("SC_PAGE_SIZE") if words else 0


def _words(path: Path) -> list[str]:
    try:
        return path.read_text().split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=EVENTS)
    parser.add_argument("--deep", action="store_true", help="measure the deep verification too")
    options = parser.parse_args()
    with fresh_stack(LEDGER_BENCH) as stack:
        measure(stack, events=options.events, deep=options.deep)


if __name__ == "__main__":
    main()
