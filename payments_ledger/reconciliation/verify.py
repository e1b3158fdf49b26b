"""One verification: watermark, digests on both sides, comparison, and the keys where blocks differ."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import structlog

from payments_ledger import session
from payments_ledger.errors import VerificationUnfinished
from payments_ledger.reconciliation import postgres, scope, sharing, summing
from payments_ledger.reconciliation.checks import CHECKS, Place, tables_of
from payments_ledger.reconciliation.classify import add_differences
from payments_ledger.reconciliation.digests import Summary, total_of
from payments_ledger.reconciliation.report import Kind, Report
from payments_ledger.reconciliation.scanning import Reading, readings
from payments_ledger.reconciliation.scope import Block, Scope
from payments_ledger.reconciliation.summing import Expected, Summaries

logger = structlog.get_logger(__name__)

# Below this a second process takes longer to start than it saves: about 60,000 events.
SHARED_FROM_BYTES = 100 * 2**20
PROCESSES = 2


@dataclass(frozen=True, slots=True)
class Unit:
    """A piece of a verification that any process can do: one share of PostgreSQL's side, or one reading."""

    scope: Scope
    names: tuple[str, ...] = ()
    is_deep: bool = False
    share: int = 0
    shares: int = 1
    reading: Reading | None = None
    # By the machine's monotonic clock, which its processes share.
    ends_at: float = float("inf")


def verify(
    *,
    first_day: date | None = None,
    last_day: date | None = None,
    is_deep: bool = True,
    tables: Sequence[str] = (),
    processes: int | None = None,
    seconds_max: float | None = None,
    progress: Callable[[str], None] | None = None,
) -> Report:
    """Compare what both stores hold below the watermark, on the days from `first_day` to `last_day` (both included).

    Quick: count, sums and digest of the stored hashes per block, of payment_events and events_by_day. Deep: also every
    PostgreSQL body hashed again and every row of all five tables compared with the one rebuilt from that body, column
    by column. `tables` leaves out the others. Blocks that differ are always read key by key, every column. Changes
    nothing in either store. Memory grows with the number of blocks, not of rows.

    `processes` share the reading (by default two when there is much to read); `progress` is told how far it is.
    Raises LedgerUnavailable or django.db.Error when a store cannot be read, VerificationUnfinished after
    `seconds_max`; there is no verdict then. Raises ValueError for a table that it does not compare.
    """
    started = time.monotonic()
    # A server that is away is said to be so at once; only one that answered is asked again and again.
    session.ping()
    limits, watermark = scope.fix_scope(first_day=first_day, last_day=last_day)
    names = tables_of(tables, is_deep=is_deep)
    report = Report(watermark, first_day, last_day, is_deep=is_deep, tables=names, skipped=list(limits.open_days))
    watch = _Watch(started, seconds_max, progress)
    expected, held = _summed(limits, names, is_deep, processes or _processes(), watch)
    for problem in expected.problems:
        report.add(problem)
    if expected.problems_unnamed:
        report.counts[Kind.UNNAMED] += expected.problems_unnamed
    _compare(limits, report, expected, held, watch)
    report.seconds = time.monotonic() - started
    logger.info(
        "ledger_verified",
        agrees=report.agrees,
        mode="deep" if is_deep else "quick",
        blocks=report.blocks,
        events=report.totals["postgresql"].count,
        differences=dict(report.counts),
        seconds=round(report.seconds, 3),
    )
    return report


def unequal_places(expected: Mapping[Place, Summary], held: Mapping[Place, Summary]) -> set[Place]:
    """The blocks whose summaries differ, or that only one side has."""
    return {place for place in expected.keys() | held.keys() if expected.get(place) != held.get(place)}


def work(unit: Unit) -> tuple[str, Summaries] | Expected:
    """Do one unit, in whichever process this is."""
    if unit.reading is not None:
        return unit.reading.check.name, summing.held(unit.reading, unit.scope)
    if unit.is_deep:
        return summing.expected_deep(unit.scope, unit.names, share=unit.share, shares=unit.shares, ends_at=unit.ends_at)
    return summing.expected_quick(unit.scope, unit.names)


@dataclass(slots=True)
class _Watch:
    """How long it has taken and how far it is."""

    started: float
    seconds_max: float | None
    progress: Callable[[str], None] | None
    rows: int = 0

    @property
    def ends_at(self) -> float:
        return float("inf") if self.seconds_max is None else self.started + self.seconds_max

    def saw(self, rows: int, what: str) -> None:
        """Raises VerificationUnfinished when the time is over."""
        self.rows += rows
        elapsed = time.monotonic() - self.started
        if self.progress is not None:
            self.progress(f"{self.rows} rows of both stores in {elapsed:.0f} s, {what}")
        if time.monotonic() > self.ends_at:
            raise VerificationUnfinished(f"after {elapsed:.0f} s and {self.rows} rows, in {what}")


def _processes() -> int:
    return PROCESSES if postgres.size_bytes() >= SHARED_FROM_BYTES else 1


def _summed(
    limits: Scope, names: tuple[str, ...], is_deep: bool, count: int, watch: _Watch
) -> tuple[Expected, dict[str, Summaries]]:
    """What each table should add up to and what it does. PostgreSQL is asked first: its share takes longest."""
    expected = Expected({name: {} for name in names})
    held: dict[str, Summaries] = {name: {} for name in names}
    units = _units(limits, names, is_deep, shares=count if is_deep else 1, ends_at=watch.ends_at)
    for result in sharing.results(work, units, processes=count):
        if isinstance(result, Expected):
            expected.add(result)
            watch.saw(result.events.count, "PostgreSQL")
        else:
            name, summaries = result
            summing.merge(held[name], summaries)
            watch.saw(sum(summary.count for summary in summaries.values()), name)
    return expected, held


def _units(limits: Scope, names: tuple[str, ...], is_deep: bool, *, shares: int, ends_at: float) -> Iterator[Unit]:
    for share in range(shares):
        yield Unit(limits, names=names, is_deep=is_deep, share=share, shares=shares, ends_at=ends_at)
    for name in names:
        check = CHECKS[name] if is_deep else summing.narrowed(CHECKS[name])
        for reading in readings(check, limits):
            yield Unit(limits, reading=reading)


def _compare(limits: Scope, report: Report, expected: Expected, held: Mapping[str, Summaries], watch: _Watch) -> None:
    places: set[Place] = set()
    report.totals["postgresql"] = expected.events
    for name in report.tables:
        report.totals[name] = total_of(held[name].values())
        places |= {place for place in held[name].keys() | expected.tables[name].keys() if not isinstance(place, int)}
        unequal = _outside_new_imports(unequal_places(expected.tables[name], held[name]), limits, report)
        if unequal:
            watch.saw(0, f"the rows of {len(unequal)} blocks of {name} that differ")
            add_differences(CHECKS[name], limits, unequal, expected.tables[name], held[name], report)
    report.blocks = len(places)


def _outside_new_imports(unequal: set[Place], limits: Scope, report: Report) -> set[Place]:
    """Without the blocks on days of imports that were opened or closed while the stores were being read."""
    if not unequal:
        return unequal
    fresh = [days for days in scope.open_days(since=report.watermark) if days not in limits.open_days]
    report.skipped += [days for days in fresh if days not in report.skipped]
    return {place for place in unequal if not isinstance(place, Block) or not scope.is_within(place.booking_day, fresh)}
