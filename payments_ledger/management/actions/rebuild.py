"""`ledger rebuild TABLE`: fill a new table from PostgreSQL, verify it, and switch to it."""

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from payments_ledger.management.actions.console import DIFFERS, DONE, Console, add_json, add_rate
from payments_ledger.reconciliation.rebuild import REBUILDABLE, Rebuilt, plan, rebuild

HELP = "fill a table anew from PostgreSQL, verify it, and switch readers to it"
EVENTS_PER_SECOND = 5000.0
DIFFERENCES_SHOWN_MAX = 50


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("table", choices=REBUILDABLE)
    add_json(parser)
    add_rate(parser, default=EVENTS_PER_SECOND, unit="events")
    parser.add_argument("--dry-run", action="store_true", help="say which tables and how many events; make nothing")


def run(options: Mapping[str, Any], console: Console) -> int:
    if options["dry_run"]:
        return _answer(plan(table=options["table"]), options, console, is_dry_run=True)
    result = rebuild(table=options["table"], events_per_second=options["rate"], on_progress=console.progress)
    console.end_progress()
    return _answer(result, options, console, is_dry_run=False)


def _answer(result: Rebuilt, options: Mapping[str, Any], console: Console, *, is_dry_run: bool) -> int:
    if options["json"]:
        console.document({**result.as_json(), "dry_run": is_dry_run})
    elif is_dry_run:
        console.line(f"would fill {result.new} from at most {result.events} events and switch from {result.old} to it")
    elif result.is_switched:
        console.line(f"{result.new}: {result.rows} rows, digest {result.digest}, equal to PostgreSQL")
        console.line(f"{result.table} is read from {result.new} now")
        console.line(f"{result.old} is kept, and written to until {result.written_until:%H:%M:%S} UTC; drop it by hand")
    else:
        for sentence in result.differences[:DIFFERENCES_SHOWN_MAX]:
            console.line(sentence)
        console.line(f"NOT SWITCHED: {result.new} differs from PostgreSQL; {result.old} is still read. Run it again")
    return DONE if is_dry_run or result.is_switched else DIFFERS
