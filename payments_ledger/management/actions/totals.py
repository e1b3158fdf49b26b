"""`ledger totals`: what days add up to, by type, currency and event, as Cassandra's daily_totals has it.

Exit codes: 0 shown, or computed anew · 2 bad input.
"""

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandError

from payments_ledger.management.actions.console import DONE, NO_VERDICT, Console, add_days, add_json, days_of
from payments_ledger.seals import totals

HELP = "what days add up to; --recompute sums them up again"


def add_arguments(parser: ArgumentParser) -> None:
    add_days(parser)
    parser.add_argument("--recompute", action="store_true", help="sum these days up again from events_by_day first")
    parser.add_argument("--dry-run", action="store_true", help="with --recompute: only show what is there")
    add_json(parser)


def run(options: Mapping[str, Any], console: Console) -> int:
    first_day, last_day = days_of(options)
    if first_day is None or last_day is None:
        raise CommandError("which days? give --day, or --from and --to", returncode=NO_VERDICT)
    if options["recompute"] and not options["dry_run"]:
        for day in totals.recompute_between(first_day, last_day):
            console.progress(f"{day} summed up")
        console.end_progress()
    found = totals.between(first_day, last_day)
    if options["json"]:
        console.document({"totals": [total.as_json() for total in found]})
        return DONE
    for total in found:
        console.line(
            f"{total.booking_day} {'sealed' if total.sealed else 'open  '} {total.payment_type} {total.event_type} "
            f"{total.event_count} events, {total.amount_minor} {total.currency} minor units"
        )
    return DONE
