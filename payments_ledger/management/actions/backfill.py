"""`ledger backfill`: whole booking days into Cassandra at their own times, at a pace of its own."""

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandError

from payments_ledger.backfill import Backfilled, backfill, plan
from payments_ledger.management.actions.console import (
    DONE,
    NO_VERDICT,
    Console,
    add_days,
    add_json,
    add_rate,
    days_of,
)

HELP = "write whole booking days, oldest first, slowly and resumably"
EVENTS_PER_SECOND = 1000.0


def add_arguments(parser: ArgumentParser) -> None:
    add_days(parser)
    add_json(parser)
    add_rate(parser, default=EVENTS_PER_SECOND, unit="events")
    parser.add_argument("--restart", action="store_true", help="from the first block again, though one is unfinished")
    parser.add_argument("--dry-run", action="store_true", help="say what is still to be written, and write nothing")


def run(options: Mapping[str, Any], console: Console) -> int:
    first_day, last_day = days_of(options)
    if first_day is None or last_day is None:
        raise CommandError("which days? give --day, or --from and --to", returncode=NO_VERDICT)
    if options["dry_run"]:
        result = plan(first_day=first_day, last_day=last_day, is_restart=options["restart"])
    else:
        result = backfill(
            first_day=first_day,
            last_day=last_day,
            events_per_second=options["rate"],
            is_restart=options["restart"],
            on_progress=lambda block, events: console.progress(f"{events} events, {block.booking_day}"),
        )
        console.end_progress()
    _answer(result, options, console)
    return DONE


def _answer(result: Backfilled, options: Mapping[str, Any], console: Console) -> None:
    after = result.resumed_after
    if options["json"]:
        console.document(
            {
                "backfill_id": str(result.backfill_id) if result.backfill_id else None,
                "blocks": result.blocks,
                "events": result.events,
                "resumed_after": [str(part) for part in after] if after else None,
                "dry_run": options["dry_run"],
            }
        )
        return
    if after:
        console.line(f"goes on after {after.booking_day}, {after.payment_type}, bucket {after.bucket}")
    if options["dry_run"]:
        seconds = result.events / options["rate"]
        console.line(f"{result.events} events in {result.blocks} blocks to write, {seconds:.0f} s at this rate")
    else:
        console.line(f"{result.events} events in {result.blocks} blocks written")
