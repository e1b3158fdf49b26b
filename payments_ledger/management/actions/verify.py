"""`ledger verify`: compare Cassandra with PostgreSQL, block by block, and keep what came of it."""

from argparse import ArgumentParser
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.core.management.base import CommandError

from core.money import EXPONENTS
from payments_ledger.management.actions.console import DIFFERS, DONE, NO_VERDICT, Console, add_days, add_json, days_of
from payments_ledger.reconciliation.checks import CHECKS, tables_of
from payments_ledger.reconciliation.report import Report
from payments_ledger.reconciliation.results import verify_and_keep

HELP = "compare Cassandra with PostgreSQL, block by block"
DIFFERENCES_SHOWN_MAX = 50


def add_arguments(parser: ArgumentParser) -> None:
    add_days(parser)
    add_json(parser)
    depth = parser.add_mutually_exclusive_group()
    depth.add_argument("--deep", dest="is_deep", action="store_true", default=True, help="every column (default)")
    depth.add_argument("--quick", dest="is_deep", action="store_false", help="counts, sums and stored hashes only")
    parser.add_argument(
        "--table", dest="tables", action="append", choices=list(CHECKS), help="only this one; repeatable"
    )
    parser.add_argument(
        "--processes", type=int, choices=range(1, 65), metavar="N", help="share the reading (2 if much)"
    )


def run(options: Mapping[str, Any], console: Console) -> int:
    first_day, last_day = days_of(options)
    tables, is_deep = options["tables"] or (), options["is_deep"]
    try:
        tables_of(tables, is_deep=is_deep)
    except ValueError as error:
        raise CommandError(str(error), returncode=NO_VERDICT) from error
    try:
        report = verify_and_keep(
            first_day=first_day,
            last_day=last_day,
            is_deep=is_deep,
            tables=tables,
            processes=options["processes"],
            progress=console.progress,
        )
    finally:
        console.end_progress()
    if options["json"]:
        console.document(report.as_json())
    else:
        for line in lines_of(report):
            console.line(line)
    return DONE if report.agrees else DIFFERS


def lines_of(report: Report) -> list[str]:
    """The report for people: what was compared, each difference, the verdict last."""
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
