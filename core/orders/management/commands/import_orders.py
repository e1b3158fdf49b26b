"""`manage.py import_orders FILE`: a file of invoices into orders, payments and both stores, each once.

Exit codes: 0 imported (or there already) and both stores agree · 1 they do not, or not yet; run it again to go on ·
2 the file cannot be used, or a store cannot be reached. Rejected rows are listed and change no exit code.
"""

import contextlib
import io
import json
import sys
import time
from argparse import ArgumentTypeError
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error as DatabaseError
from tqdm import tqdm

from core.clock import now
from core.money import EXPONENTS
from core.orders.imports import running
from core.orders.imports.audit import booked_by_kind
from core.orders.imports.errors import NotRecorded, StockShort, UnusableFile
from core.orders.imports.invoices import PAYMENT_RULES
from core.orders.imports.rejects import Rejects
from core.orders.imports.report import book_lines, rejects_lines, skipped_days, speed_line, store_lines
from core.orders.imports.running import Outcome
from core.orders.imports.spool import Spool
from core.payments.errors import DayNotOpen

STALL_SECONDS_MAX = 120.0
RETRY_SECONDS = 1.0


class Command(BaseCommand):
    help = "Import a Parquet or CSV file of invoices into orders, payments and the ledger."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE", help="Parquet or CSV, told apart by content")
        parser.add_argument("--currency", default="GBP", choices=sorted(EXPONENTS), help="of all prices in the file")
        parser.add_argument("--day-first", action="store_true", help="read 3/4/2010 as the third of April")
        parser.add_argument("--rejects", type=Path, metavar="CSV", help="where rejected rows go")
        parser.add_argument(
            "--stall-seconds", type=_positive, default=STALL_SECONDS_MAX, help="give up after so long without progress"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        request = running.Request(
            path=options["file"],
            currency=options["currency"],
            latest=now(),
            day_first=options["day_first"],
            stall_seconds_max=options["stall_seconds"],
        )
        try:
            agrees = self._import(request, options["rejects"])
        except KeyboardInterrupt:
            raise CommandError("Stopped. What is booked stays; run this again to go on.", returncode=1) from None
        except UnusableFile as error:
            raise CommandError(f"{request.path} cannot be imported: {error}", returncode=2) from error
        except DayNotOpen as error:
            raise CommandError(str(error), returncode=2) from error
        except DatabaseError as error:
            raise CommandError(f"PostgreSQL cannot be reached or refuses: {error}", returncode=2) from error
        except StockShort as error:
            raise CommandError(f"Too little stock of {error}. Add some and run this again.", returncode=1) from error
        except NotRecorded as error:
            raise CommandError(f"{error}. See `make status`, then run this again.", returncode=1) from error
        if not agrees:
            raise SystemExit(1)

    def _import(self, request: running.Request, rejects_path: Path | None) -> bool:
        path = rejects_path or settings.BASE_DIR / ".local" / "imports" / f"{request.path.name}.rejects.csv"
        with Bars() as bars, Rejects(path=path) as rejects:
            with running.prepared(request, rejects=rejects, progress=bars) as (spool, outcome):
                running.book(request, spool=spool, outcome=outcome, progress=bars)
                bars.close()
                is_booked = self._show_books(spool, outcome)
            is_recorded = self._show_stores(outcome, request.stall_seconds_max)
            self._show([*rejects_lines(rejects), speed_line(outcome)])
        return is_booked and is_recorded and not outcome.survey.conflicts

    def _show_books(self, spool: Spool, outcome: Outcome) -> bool:
        booked = booked_by_kind(spool)
        self._show(book_lines(outcome, booked))
        return all(booked[kind] == outcome.survey.tally.kinds[kind] for kind in PAYMENT_RULES)

    def _show_stores(self, outcome: Outcome, patience_seconds: float) -> bool:
        """Run the reconciler over the file's days: it reads both stores, and its verdict is the one that counts.

        Days that another import has open are not compared, so this waits for it, and does not call that agreement.
        """
        first_day, last_day = outcome.survey.first_day, outcome.survey.last_day
        if first_day is None or last_day is None:
            return True
        deadline = time.monotonic() + patience_seconds
        while True:
            report = _verify(first_day, last_day)
            is_whole = not skipped_days(report, first_day, last_day)
            if is_whole or time.monotonic() > deadline:
                self._show(store_lines(report, first_day, last_day))
                return is_whole and bool(report["agrees"])
            time.sleep(RETRY_SECONDS)

    def _show(self, lines: list[str]) -> None:
        for line in lines:
            self.stdout.write(line)


def _verify(first_day: date, last_day: date) -> dict[str, Any]:
    """The reconciler's report. By name: the ledger is above this layer and may not be imported here."""
    output = io.StringIO()
    # It exits with 1 when the stores differ, which its report says too.
    with contextlib.suppress(SystemExit):
        call_command("ledger", "verify", "--json", "--from", str(first_day), "--to", str(last_day), stdout=output)
    report: dict[str, Any] = json.loads(output.getvalue())
    return report


class Bars:
    """Progress bars on standard error; none when nobody watches."""

    def __init__(self) -> None:
        self._bar: tqdm[Any] | None = None

    def __enter__(self) -> "Bars":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def step(self, what: str, total: int | None) -> Callable[[int], None]:
        self.close()
        self._bar = bar = tqdm(
            desc=what, total=total, file=sys.stderr, unit_scale=True, mininterval=0.5, disable=not sys.stderr.isatty()
        )

        def advance(count: int) -> None:
            bar.update(count)

        return advance

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if value <= 0:
        raise ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return value
