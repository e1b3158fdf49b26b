"""The export of booking days: which are due, and two processes that write them."""

from collections.abc import Iterator
from concurrent.futures import Future, as_completed
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from payments_ledger.analytics import days
from payments_ledger.analytics.blocks import blocks_of, days_with_events
from payments_ledger.analytics.days import DayResult, DayTask, Outcome
from payments_ledger.analytics.folder import owned
from payments_ledger.analytics.processes import processes_of_their_own
from payments_ledger.analytics.sealed import seal_of

PROCESSES = 2


@dataclass(slots=True)
class Plan:
    """Days to look at, and those that need nothing done, each with the reason."""

    due: list[DayTask] = field(default_factory=list)
    settled: list[DayResult] = field(default_factory=list)


def plan_export(*, folder: Path, first_day: date | None, last_day: date | None, with_unsealed: bool) -> Plan:
    """Which of the days that have events are to be exported. Raises LedgerUnavailable or django.db.Error."""
    plan = Plan()
    for day in days_with_events(first_day=first_day, last_day=last_day):
        task = DayTask(day, tuple(blocks_of(day)), seal_of(day), folder)
        if task.seal is None and not with_unsealed:
            plan.settled.append(DayResult(day, Outcome.UNSEALED))
        elif days.is_current(task):
            plan.settled.append(DayResult(day, Outcome.CURRENT))
        else:
            plan.due.append(task)
    return plan


def run_export(plan: Plan, *, folder: Path, processes: int = PROCESSES) -> Iterator[DayResult]:
    """Export what is due, in `processes` processes; yields each day's result as it ends.

    Stopped or killed at any time it leaves whole days only, and the next run goes on. Raises LedgerUnavailable, and
    AnalyticsError when the folder cannot be used.
    """
    with owned(folder):
        if processes == 1 or len(plan.due) < 2:
            yield from map(days.export_day, plan.due)
            return
        with processes_of_their_own(processes) as executor:
            due = [executor.submit(days.export_day, task) for task in plan.due]
            for done in as_completed(due):
                yield _result_of(done, due)


def _result_of(done: "Future[DayResult]", due: "list[Future[DayResult]]") -> DayResult:
    try:
        return done.result()
    except BaseException:
        # The others would only find the same store away.
        for waiting in due:
            waiting.cancel()
        raise
