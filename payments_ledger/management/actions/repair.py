"""`ledger repair`: write what differs anew, from PostgreSQL, and keep a record of who did it and why."""

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError

from payments_ledger.management.actions.console import (
    DIFFERS,
    DONE,
    NO_VERDICT,
    Console,
    add_days,
    add_json,
    add_rate,
    days_of,
)
from payments_ledger.reconciliation.repair import Outcome, Target, repair

HELP = "mend every difference that verify finds, from PostgreSQL"
ROWS_PER_SECOND = 1000.0
ROWS_SHOWN_MAX = 50


def add_arguments(parser: ArgumentParser) -> None:
    add_days(parser)
    add_json(parser)
    add_rate(parser, default=ROWS_PER_SECOND, unit="rows")
    parser.add_argument("--payment", type=UUID, help="every row of this payment, whatever verify says")
    parser.add_argument("--who", default="", help="who answers for it; kept for ever")
    parser.add_argument("--why", default="", help="why, with the ticket's number; kept for ever")
    parser.add_argument("--dry-run", action="store_true", help="say what would be written, and write nothing")


def run(options: Mapping[str, Any], console: Console) -> int:
    first_day, last_day = days_of(options)
    if options["payment"] and (first_day or last_day):
        raise CommandError("give either --payment or days", returncode=NO_VERDICT)
    who, why = options["who"].strip(), options["why"].strip()
    if not options["dry_run"] and not (who and why):
        raise CommandError("a repair is recorded: give --who and --why, or --dry-run", returncode=NO_VERDICT)
    outcome = repair(
        target=Target(options["payment"], first_day, last_day),
        who=who,
        why=why,
        rows_per_second=options["rate"],
        is_dry_run=options["dry_run"],
        on_progress=lambda events, rows: console.progress(f"{events} events compared, {rows} rows"),
    )
    console.end_progress()
    if options["json"]:
        console.document(outcome.as_json())
    else:
        for line in lines_of(outcome):
            console.line(line)
    return DONE if outcome.agrees else DIFFERS


def lines_of(outcome: Outcome) -> list[str]:
    """The outcome for people: each row, what is left, the verdict last."""
    verb = "would write" if outcome.is_dry_run else "wrote"
    lines = [
        f"{verb}: {row['table']} payment_id={row['payment_id']} seq={row['seq']} · "
        + ("there was no row" if row["was"] == "missing" else f"differed in {', '.join(row['columns'])}")
        for row in outcome.named[:ROWS_SHOWN_MAX]
    ]
    hidden = outcome.rows.total() - len(lines)
    if hidden > 0:
        lines.append(f"… and {hidden} more rows (all of them are in the record of the repair)")
    lines += [f"NOT MENDED, something later stands there (a clock ahead?): {text}" for text in outcome.resisting]
    lines += [f"not judged, an event is on its way: payment {payment}; run again" for payment in outcome.waiting]
    lines += [f"{difference.sentence()}\n  {advice}" for difference, advice in outcome.advised]
    lines += [f"left: {text}" for text in outcome.left]
    record = f", recorded as repair {outcome.repair_id}" if outcome.repair_id else ""
    verdict = "nothing is left to mend" if outcome.agrees else "SOMETHING IS LEFT, see above"
    lines.append(f"{outcome.rows.total()} rows {'to write' if outcome.is_dry_run else 'written'}{record}: {verdict}")
    return lines
