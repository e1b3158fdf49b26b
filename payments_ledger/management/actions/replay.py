"""`ledger replay`: write PaymentEvent through the sink's code again."""

import time
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError

from payments_ledger import history
from payments_ledger.history import Selection
from payments_ledger.management.actions.console import DONE, NO_VERDICT, Console, add_days, add_json, days_of
from payments_ledger.replay import replay

HELP = "write PaymentEvent through the sink's code again"


def add_arguments(parser: ArgumentParser) -> None:
    add_days(parser)
    add_json(parser)
    parser.add_argument("--payment", type=UUID, help="this payment only")
    parser.add_argument("--since", type=moment_of, metavar="TIME", help="booked at this time (UTC) or later")
    parser.add_argument("--until", type=moment_of, metavar="TIME", help="booked before this time (UTC)")
    parser.add_argument("--dry-run", action="store_true", help="say how many events, and write nothing")


def run(options: Mapping[str, Any], console: Console) -> int:
    selection = selection_of(options)
    if options["dry_run"]:
        return _answer(console, options, events=history.count(selection), seconds=0.0)
    started, written = time.monotonic(), 0
    for written in replay(selection):
        console.progress(f"{written} events")
    console.end_progress()
    return _answer(console, options, events=written, seconds=time.monotonic() - started)


def selection_of(options: Mapping[str, Any]) -> Selection:
    """What was asked for. Raises CommandError when the limits contradict each other."""
    first_day, last_day = days_of(options)
    since, until = options["since"], options["until"]
    if since and until and since >= until:
        raise CommandError(f"--since {since} is not before --until {until}", returncode=NO_VERDICT)
    return Selection(first_day, last_day, since, until, options["payment"])


def moment_of(text: str) -> datetime:
    """An ISO time; without an offset it is UTC, as booking times are."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is no time: write YYYY-MM-DDTHH:MM:SS") from error
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _answer(console: Console, options: Mapping[str, Any], *, events: int, seconds: float) -> int:
    if options["json"]:
        console.document({"events": events, "dry_run": options["dry_run"], "seconds": round(seconds, 3)})
    elif options["dry_run"]:
        console.line(f"{events} events would be written again")
    else:
        console.line(f"{events} events written again, {events / max(seconds, 0.001):.0f} events/s")
    return DONE
