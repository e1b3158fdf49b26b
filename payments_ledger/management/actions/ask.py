"""`ledger ask`: the standard questions over the exported day files."""

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandError

from payments_ledger.analytics import day_files
from payments_ledger.analytics.errors import AnalyticsError
from payments_ledger.analytics.questions import question, questions
from payments_ledger.analytics.tabular import csv_lines, json_rows, table_lines
from payments_ledger.management.actions.console import (
    DONE,
    NO_VERDICT,
    Console,
    add_days,
    add_folder,
    add_json,
    days_of,
)

HELP = "answer a standard question from the exported days; without a name, list them"


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", help="which question")
    add_days(parser)
    add_folder(parser)
    form = parser.add_mutually_exclusive_group()
    add_json(form)
    form.add_argument("--csv", action="store_true", help="print the answer as CSV")


def run(options: Mapping[str, Any], console: Console) -> int:
    if options["name"] is None:
        _list(options, console)
        return DONE
    first_day, last_day = days_of(options)
    try:
        asked = question(options["name"])
        days = day_files.days_in(options["folder"], first_day=first_day, last_day=last_day)
        answer = day_files.ask(asked, options["folder"], first_day=first_day, last_day=last_day)
    except AnalyticsError as error:
        raise CommandError(str(error), returncode=NO_VERDICT) from error
    if options["json"]:
        console.document(
            {
                "question": asked.name,
                "title": asked.title,
                "first_day": str(days.first_day),
                "last_day": str(days.last_day),
                "days": days.count,
                "unsealed_days": [str(day) for day in days.unsealed],
                "rows": json_rows(answer.columns, answer.rows),
            }
        )
        return DONE
    for line in (csv_lines if options["csv"] else table_lines)(answer.columns, answer.rows):
        console.line(line)
    if not options["csv"]:
        unsealed = f", {len(days.unsealed)} of them not sealed when exported" if days.unsealed else ", all sealed"
        console.line(f"from {days.count} days, {days.first_day} to {days.last_day}{unsealed}")
    return DONE


def _list(options: Mapping[str, Any], console: Console) -> None:
    rows = [(each.name, each.title) for each in questions().values()]
    if options["json"]:
        console.document({"questions": json_rows(("name", "title"), rows)})
        return
    for line in (csv_lines if options["csv"] else table_lines)(("name", "title"), rows):
        console.line(line)
