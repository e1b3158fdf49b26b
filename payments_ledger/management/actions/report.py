"""`ledger report`: one self-contained page with what the ledger holds."""

from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from payments_ledger.analytics.report import page
from payments_ledger.management.actions.console import DONE, NO_VERDICT, Console, add_days, days_of

HELP = "write a page of figures and plots"


def add_arguments(parser: ArgumentParser) -> None:
    add_days(parser)
    parser.add_argument("--html", type=Path, required=True, metavar="FILE", help="the page to write")


def run(options: Mapping[str, Any], console: Console) -> int:
    first_day, last_day = days_of(options)
    path: Path = options["html"]
    try:
        found = page.write(path, first_day=first_day, last_day=last_day)
    except OSError as error:
        raise CommandError(
            f"{path} cannot be written: {error.strerror}. Name a file in a folder that exists.", returncode=NO_VERDICT
        ) from error
    console.line(f"{path}: {found.first_day} to {found.last_day}, {sum(row.events for row in found.money)} events")
    return DONE
