"""`ledger completeness`: the share of the money that is sealed and agrees, and that is recorded within a minute.

Exit codes: 0 every sealed block still holds what was sealed · 1 one does not (each named) · 2 bad input.
"""

from argparse import ArgumentParser
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.core.management.base import CommandError

from payments_ledger.management.actions.console import DIFFERS, DONE, NO_VERDICT, Console, add_days, add_json, days_of
from payments_ledger.seals import completeness, runs
from payments_ledger.seals.completeness import DAYS_DEFAULT, Completeness, Share

HELP = "what share of the money is in sealed, agreeing blocks, and recorded within a minute"


def add_arguments(parser: ArgumentParser) -> None:
    add_days(parser)
    parser.add_argument("--check", action="store_true", help="read the sealed blocks in Cassandra again, too")
    add_json(parser)


def run(options: Mapping[str, Any], console: Console) -> int:
    first_day, last_day = days_of(options)
    if (first_day is None) != (last_day is None):
        raise CommandError("--from and --to go together", returncode=NO_VERDICT)
    if first_day is None or last_day is None:
        last_day = runs.last_closed_day()
        first_day = last_day - timedelta(days=DAYS_DEFAULT - 1)
    found = completeness.sealed(first_day, last_day, reads_cassandra=options["check"])
    live = completeness.live_shares()
    if options["json"]:
        console.document({**found.as_json(), "live": [share.as_json() for share in live]})
    else:
        for line in lines_of(found, live):
            console.line(line)
    return DIFFERS if found.disagreeing else DONE


def lines_of(found: Completeness, live: list[Share]) -> list[str]:
    """For people: shares by currency, then each sealed block that has changed."""
    lines = [f"sealed and agreeing, booked from {found.first_day} to {found.last_day}:"]
    lines += [_line(share) for share in found.shares] or ["  nothing was booked"]
    lines += [f"recorded within {completeness.WITHIN_SECONDS} s, of the last hour:"]
    lines += [_line(share) for share in live] or ["  nothing was booked"]
    lines += [f"SEALED, AND CHANGED SINCE: {'/'.join(map(str, block))}" for block in found.disagreeing]
    return lines


def _line(share: Share) -> str:
    return f"  {share.share_ppm / 10_000:.4f} % of {share.volume_minor} {share.currency} minor units"
