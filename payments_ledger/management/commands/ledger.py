"""`manage.py ledger …`: the ledger's schema, its verification, and what is still on its way.

Exit codes: 0 done, and the stores agree · 1 they differ (each difference named), or not recorded in time ·
2 bad input, or a store that cannot be reached; there is no verdict then.
"""

import json
import time
from argparse import ArgumentTypeError
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error as DatabaseError
from django.db import connection

from core.money import EXPONENTS
from payments_ledger import history, schema
from payments_ledger.errors import LedgerUnavailable
from payments_ledger.reconciliation.report import Report
from payments_ledger.reconciliation.verify import verify
from payments_ledger.replay import replay

POLL_SECONDS = 0.5
DIFFERENCES_SHOWN_MAX = 50
# Two migrations of one keyspace at once could leave Cassandra with two tables of one name.
MIGRATE_LOCK = "payments_ledger.schema.migrate"


class Command(BaseCommand):
    help = "The payments ledger in Cassandra: migrate, verify, replay, wait."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        actions.add_parser("migrate", help="bring the keyspace to the newest schema")
        verifying = actions.add_parser("verify", help="compare Cassandra with PostgreSQL, block by block")
        _add_days(verifying)
        verifying.add_argument("--json", action="store_true", help="print the report as one JSON object")
        depth = verifying.add_mutually_exclusive_group()
        depth.add_argument("--deep", dest="is_deep", action="store_true", default=True, help="every column (default)")
        depth.add_argument("--quick", dest="is_deep", action="store_false", help="counts, sums and stored hashes only")
        replaying = actions.add_parser("replay", help="write PaymentEvent through the sink's code again")
        _add_days(replaying)
        replaying.add_argument("--payment", type=UUID, help="this payment only")
        waiting = actions.add_parser("wait", help="until Cassandra has acknowledged every event")
        waiting.add_argument("--timeout", type=float, default=60.0, metavar="SECONDS")

    def handle(self, *args: Any, **options: Any) -> None:
        actions: dict[str, Callable[..., None]] = {
            "migrate": self._migrate,
            "verify": self._verify,
            "replay": self._replay,
            "wait": self._wait,
        }
        try:
            actions[options["action"]](**options)
        except LedgerUnavailable as error:
            raise CommandError(f"Cassandra cannot be reached: {error.detail}", returncode=2) from error
        except DatabaseError as error:
            reason = " ".join(str(error).split())
            raise CommandError(f"PostgreSQL cannot be reached or refuses: {reason}", returncode=2) from error

    def _migrate(self, **options: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [MIGRATE_LOCK])
            try:
                applied = schema.migrate()
            except schema.SchemaError as error:
                raise CommandError(str(error), returncode=2) from error
            finally:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [MIGRATE_LOCK])
        for name in applied:
            self.stdout.write(f"applied {name}")
        if not applied:
            self.stdout.write("the ledger's schema is current")

    def _verify(self, **options: Any) -> None:
        first_day, last_day = _days(options)
        report = verify(first_day=first_day, last_day=last_day, is_deep=options["is_deep"])
        if options["json"]:
            self.stdout.write(json.dumps(report.as_json(), indent=2))
        else:
            for line in _lines(report):
                self.stdout.write(line)
        if not report.agrees:
            raise SystemExit(1)

    def _replay(self, **options: Any) -> None:
        first_day, last_day = _days(options)
        started, written = time.monotonic(), 0
        for written in replay(first_day=first_day, last_day=last_day, payment_id=options["payment"]):
            self.stdout.write(f"\r{written} events", ending="")
        rate = written / max(time.monotonic() - started, 0.001)
        self.stdout.write(f"\r{written} events written again, {rate:.0f} events/s")

    def _wait(self, **options: Any) -> None:
        deadline = time.monotonic() + options["timeout"]
        while True:
            payments, events = history.unrecorded()
            if not payments:
                self.stdout.write("every event is recorded")
                return
            if time.monotonic() >= deadline:
                self.stdout.write(f"not recorded in time: {events} events of {payments} payments")
                raise SystemExit(1)
            time.sleep(POLL_SECONDS)


def _add_days(parser: CommandParser) -> None:
    parser.add_argument("--day", type=_day, help="one booking day, YYYY-MM-DD")
    parser.add_argument("--from", dest="first_day", type=_day, metavar="DAY", help="from this booking day on")
    parser.add_argument("--to", dest="last_day", type=_day, metavar="DAY", help="up to and including this booking day")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is no day: write YYYY-MM-DD") from error


def _days(options: dict[str, Any]) -> tuple[date | None, date | None]:
    day, first_day, last_day = options["day"], options["first_day"], options["last_day"]
    if day and (first_day or last_day):
        raise CommandError("give either --day, or --from and --to", returncode=2)
    if first_day and last_day and first_day > last_day:
        raise CommandError(f"--from {first_day} comes after --to {last_day}", returncode=2)
    return (day, day) if day else (first_day, last_day)


def _lines(report: Report) -> list[str]:
    lines = [
        f"watermark {report.watermark:%Y-%m-%d %H:%M:%S.%f} UTC · {report.blocks} blocks · "
        f"{'every column' if report.is_deep else 'stored hashes'} · {report.seconds:.2f} s"
    ]
    lines += [
        f"skipped: {batch.first_day} to {batch.last_day}, the import of {batch.source} is open"
        for batch in report.skipped
    ]
    for store, summary in report.totals.items():
        lines.append(f"{store}: {summary.count} rows")
        lines += [
            f"  {event_type} {_major_units(amount, currency)} {currency}"
            for (event_type, currency), amount in sorted(summary.sums.items())
        ]
    lines += [difference.sentence() for difference in report.differences[:DIFFERENCES_SHOWN_MAX]]
    hidden = sum(report.counts.values()) - min(len(report.differences), DIFFERENCES_SHOWN_MAX)
    if hidden > 0:
        lines.append(f"… and {hidden} more (--json names up to 1000)")
    counted = ", ".join(f"{count} {kind}" for kind, count in sorted(report.counts.items()))
    lines.append("the stores agree" if report.agrees else f"THE STORES DIFFER: {counted}")
    return lines


def _major_units(amount_minor: int, currency: str) -> str:
    """For reading; a currency this installation does not know stays in minor units."""
    return str(Decimal(amount_minor).scaleb(-EXPONENTS.get(currency, 0)))
