"""`ledger query`: events of some days by type or user, from every block those days have."""

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError

from core.payments.domain.payment_state import EventType, PaymentType
from payments_ledger.analytics import lookups
from payments_ledger.analytics.tabular import csv_lines, json_rows, table_lines
from payments_ledger.management.actions.console import DONE, NO_VERDICT, Console, add_days, add_json, days_of

HELP = "list events of some days by type or user; for more than that, export and ask"
LIMIT, LIMIT_MAX = 100, 10_000
DAYS_MAX = 31


def add_arguments(parser: ArgumentParser) -> None:
    add_days(parser)
    parser.add_argument("--payment-type", choices=[str(each) for each in PaymentType])
    parser.add_argument("--event-type", type=_event_type, metavar="TYPE", help="such as payment.captured")
    parser.add_argument("--user", type=_user, metavar="UUID", help="events of this user only")
    parser.add_argument("--limit", type=_limit, default=LIMIT, help=f"the earliest so many (default {LIMIT})")
    form = parser.add_mutually_exclusive_group()
    add_json(form)
    form.add_argument("--csv", action="store_true", help="print the events as CSV")


def run(options: Mapping[str, Any], console: Console) -> int:
    first_day, last_day = days_of(options)
    if first_day is None or last_day is None:
        raise CommandError("which days? give --day, or --from and --to", returncode=NO_VERDICT)
    if last_day - first_day >= timedelta(days=DAYS_MAX):
        raise CommandError(
            f"more than {DAYS_MAX} days: `manage.py ledger export` and `manage.py ledger ask` are for that",
            returncode=NO_VERDICT,
        )
    wanted = lookups.Wanted(
        first_day=first_day,
        last_day=last_day,
        limit=options["limit"],
        payment_type=options["payment_type"],
        event_type=options["event_type"],
        user_id=options["user"],
    )
    rows = lookups.events(wanted)
    if options["json"]:
        console.document({"events": json_rows(lookups.COLUMNS, rows), "limit": wanted.limit})
        return DONE
    for line in (csv_lines if options["csv"] else table_lines)(lookups.COLUMNS, rows):
        console.line(line)
    return DONE


def _event_type(text: str) -> str:
    """The full type, from itself or from its two middle words."""
    full = text if text.startswith("payments.") else f"payments.{text}.v1"
    if full not in {str(each) for each in EventType}:
        known = ", ".join(str(each).removeprefix("payments.").removesuffix(".v1") for each in EventType)
        raise ArgumentTypeError(f"there is no event type {text!r}; there are {known}")
    return full


def _user(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is no id of a user: a UUID such as 019a…-…") from error


def _limit(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= LIMIT_MAX:
        raise ArgumentTypeError(f"{text!r} is no number of events from 1 to {LIMIT_MAX}")
    return int(text)
