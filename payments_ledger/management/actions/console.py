"""What actions print through, and the arguments several of them share."""

import json
import sys
from argparse import ArgumentParser, ArgumentTypeError, _ActionsContainer
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, TextIO

from django.conf import settings
from django.core.management.base import CommandError

# Exit codes of every action.
DONE, DIFFERS, NO_VERDICT = 0, 1, 2


@dataclass(slots=True)
class Console:
    """Results go to `out`, which may be a file or a pipe; progress to `err`, and only when somebody watches."""

    out: Any
    err: TextIO = sys.stderr

    def line(self, text: str) -> None:
        self.out.write(text)

    def document(self, content: Mapping[str, Any]) -> None:
        """One JSON object, for programs."""
        self.out.write(json.dumps(content, indent=2))

    def progress(self, text: str) -> None:
        """One line that the next one replaces."""
        if self.err.isatty():
            self.err.write(f"\r\x1b[K{text}")
            self.err.flush()

    def end_progress(self) -> None:
        if self.err.isatty():
            self.err.write("\r\x1b[K")


def add_days(parser: ArgumentParser) -> None:
    parser.add_argument("--day", type=day_of, help="one booking day, YYYY-MM-DD")
    parser.add_argument("--from", dest="first_day", type=day_of, metavar="DAY", help="from this booking day on")
    parser.add_argument(
        "--to", dest="last_day", type=day_of, metavar="DAY", help="up to and including this booking day"
    )


def add_json(parser: _ActionsContainer) -> None:
    parser.add_argument("--json", action="store_true", help="print the result as one JSON object")


def add_rate(parser: ArgumentParser, *, default: float, unit: str) -> None:
    parser.add_argument(
        "--rate", type=rate_of, default=default, metavar="N", help=f"at most so many {unit} a second ({default:.0f})"
    )


def rate_of(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 0 < rate < float("inf"):
        raise ArgumentTypeError(f"{text!r} is no rate: write how many a second, above 0")
    return rate


def add_folder(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--folder",
        type=Path,
        default=Path(settings.LEDGER_EXPORT_FOLDER),
        help="where the export is (default: LEDGER_EXPORT_FOLDER)",
    )


def day_of(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is no day: write YYYY-MM-DD") from error


def days_of(options: Mapping[str, Any]) -> tuple[date | None, date | None]:
    """First and last day asked for, None where unbounded. Raises CommandError when they contradict each other."""
    day, first_day, last_day = options["day"], options["first_day"], options["last_day"]
    if day and (first_day or last_day):
        raise CommandError("give either --day, or --from and --to", returncode=NO_VERDICT)
    if first_day and last_day and first_day > last_day:
        raise CommandError(f"--from {first_day} comes after --to {last_day}", returncode=NO_VERDICT)
    return (day, day) if day else (first_day, last_day)
