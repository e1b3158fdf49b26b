"""`ledger calendar`: how many buckets days have, and a plan for a coming one.

Exit codes: 0 shown or planned · 2 the day is too near or has its count, or the count is no power of two.
"""

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandError

from core.payments.errors import CalendarTooLate
from core.payments.models import LedgerCalendar
from core.payments.services.calendar import plan_buckets
from payments_ledger import calendar
from payments_ledger.errors import LedgerUnavailable
from payments_ledger.management.actions.console import DONE, NO_VERDICT, Console, add_json, day_of

HELP = "show bucket counts by day, or plan one for a coming day"


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--day", type=day_of, help="the first day of the new count, at least a whole day ahead")
    parser.add_argument("--buckets", type=int, metavar="COUNT", help="a power of two")
    parser.add_argument("--dry-run", action="store_true", help="show what there is and plan nothing")
    add_json(parser)


def run(options: Mapping[str, Any], console: Console) -> int:
    day, buckets = options["day"], options["buckets"]
    if (day is None) != (buckets is None):
        raise CommandError("--day and --buckets go together", returncode=NO_VERDICT)
    if day is not None and not options["dry_run"]:
        try:
            plan_buckets(first_day=day, bucket_count=buckets)
        except (CalendarTooLate, ValueError) as error:
            raise CommandError(str(error), returncode=NO_VERDICT) from error
        _copy(console)
    planned = dict(LedgerCalendar.objects.order_by("booking_day").values_list("booking_day", "bucket_count"))
    if options["json"]:
        console.document({"calendar": {str(first_day): count for first_day, count in planned.items()}})
    else:
        for first_day, count in planned.items():
            console.line(f"from {first_day}: {count} buckets")
    return DONE


def _copy(console: Console) -> None:
    try:
        calendar.copy()
    except LedgerUnavailable as error:
        # PostgreSQL decides and has it; the copy has a day's time and a task that makes it every hour.
        console.progress(f"planned; to be copied when Cassandra answers: {error.detail}")
        console.end_progress()
