"""`ledger export`: booking days to Parquet, one file a day."""

import time
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from payments_ledger.analytics.days import DayResult, Outcome
from payments_ledger.analytics.errors import AnalyticsError
from payments_ledger.analytics.export import PROCESSES, Plan, plan_export, run_export
from payments_ledger.management.actions.console import (
    DIFFERS,
    DONE,
    NO_VERDICT,
    Console,
    add_days,
    add_folder,
    add_json,
    days_of,
)

HELP = "write sealed booking days to Parquet, one file a day"
PROCESSES_MAX = 16


def add_arguments(parser: ArgumentParser) -> None:
    add_days(parser)
    add_folder(parser)
    parser.add_argument(
        "--unsealed",
        action="store_true",
        help="also days without a seal; their files say so, and are written again once they have one",
    )
    parser.add_argument("--processes", type=_processes, default=PROCESSES, help=f"at once (default {PROCESSES})")
    parser.add_argument("--dry-run", action="store_true", help="only say which days would be written")
    add_json(parser)


def run(options: Mapping[str, Any], console: Console) -> int:
    first_day, last_day = days_of(options)
    folder: Path = options["folder"]
    started = time.monotonic()
    plan = plan_export(folder=folder, first_day=first_day, last_day=last_day, with_unsealed=options["unsealed"])
    results = list(plan.settled)
    try:
        for result in () if options["dry_run"] else run_export(plan, folder=folder, processes=options["processes"]):
            results.append(result)
            rows = sum(each.rows for each in results if each.outcome is Outcome.WRITTEN)
            console.progress(f"{len(results) - len(plan.settled)} of {len(plan.due)} days, {rows} events")
    except AnalyticsError as error:
        raise CommandError(str(error), returncode=NO_VERDICT) from error
    finally:
        console.end_progress()
    seconds = time.monotonic() - started
    if options["json"]:
        console.document(_document(plan, results, options, seconds))
    else:
        for line in _lines(plan, results, options, seconds):
            console.line(line)
    return DIFFERS if any(result.outcome is Outcome.DAMAGED for result in results) else DONE


def _lines(plan: Plan, results: Sequence[DayResult], options: Mapping[str, Any], seconds: float) -> list[str]:
    if options["dry_run"]:
        lines = [f"would write {task.day}{'' if task.seal else ', unsealed'}" for task in plan.due]
    else:
        lines = [result.detail for result in results if result.outcome is Outcome.DAMAGED]
    rows, size = _sum(results, "rows"), _sum(results, "file_bytes")
    counted = {outcome: sum(1 for result in results if result.outcome is outcome) for outcome in Outcome}
    lines.append(
        f"{counted[Outcome.WRITTEN]} days written to {options['folder']}, {rows} events, {size} bytes, "
        f"{rows / max(seconds, 0.001):.0f} events/s"
    )
    said = {
        Outcome.CURRENT: "days were there already",
        Outcome.UNSEALED: "days are not sealed (--unsealed writes them too)",
        Outcome.DAMAGED: "DAYS ARE NOT AS SEALED and were left alone",
    }
    return lines + [f"{counted[outcome]} {text}" for outcome, text in said.items() if counted[outcome]]


def _document(plan: Plan, results: Sequence[DayResult], options: Mapping[str, Any], seconds: float) -> dict[str, Any]:
    return {
        "folder": str(options["folder"]),
        "dry_run": options["dry_run"],
        "due": [{"day": str(task.day), "sealed": task.seal is not None} for task in plan.due],
        "days": [
            {
                "day": str(result.day),
                "outcome": str(result.outcome),
                "rows": result.rows,
                "bytes": result.file_bytes,
                "digest": result.digest,
                "detail": result.detail,
            }
            for result in sorted(results, key=lambda result: result.day)
        ],
        "rows": _sum(results, "rows"),
        "seconds": round(seconds, 3),
    }


def _sum(results: Sequence[DayResult], name: str) -> int:
    return sum(getattr(result, name) for result in results if result.outcome is Outcome.WRITTEN)


def _processes(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= PROCESSES_MAX:
        raise ArgumentTypeError(f"{text!r} is no number of processes from 1 to {PROCESSES_MAX}")
    return int(text)
