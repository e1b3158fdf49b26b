"""`ledger settle`: match a provider's settlement file with the postings to its clearing account.

Exit codes: 0 everything fits · 1 there are open breaks, each listed · 2 the file cannot be read.
"""

from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from core.errors import AppError
from core.payments.gateways import registry
from payments_ledger.management.actions.console import DIFFERS, DONE, NO_VERDICT, Console, add_json, day_of
from payments_ledger.settlement.runs import Settled, settle

HELP = "match a provider's settlement file with the ledger"
BREAKS_SHOWN_MAX = 50


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--provider", required=True, help="the name of a configured provider")
    parser.add_argument("--day", type=day_of, required=True, help="the day of the file, YYYY-MM-DD in UTC")
    parser.add_argument("--file", type=Path, help="read this file instead of asking the provider")
    parser.add_argument("--dry-run", action="store_true", help="match and tell, keep nothing")
    add_json(parser)


def run(options: Mapping[str, Any], console: Console) -> int:
    provider, day, path = options["provider"], options["day"], options["file"]
    try:
        source = registry.settlement_source(provider)
        content = path.read_bytes() if path else source.settlement_file(day)
        found = settle(
            provider=provider,
            day=day,
            content=content,
            source=str(path) if path else "the provider",
            is_dry_run=options["dry_run"],
        )
    except AppError as error:
        raise CommandError(error.detail, returncode=NO_VERDICT) from error
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}", returncode=NO_VERDICT) from error
    if options["json"]:
        console.document(document_of(found))
    else:
        for line in lines_of(found):
            console.line(line)
    return DIFFERS if found.breaks else DONE


def lines_of(found: Settled) -> list[str]:
    """The outcome for people: sums, breaks, the verdict last."""
    settled = found.run
    again = " (this file was matched before)" if found.is_repeated else ""
    lines = [
        f"{settled.provider} {settled.day}: {settled.lines} lines, {settled.matched_lines} matched with "
        f"{settled.matched_postings} postings, {settled.awaited_postings} postings still in time{again}"
    ]
    for currency, total in settled.totals.items():
        amounts = ", ".join(f"{name.removesuffix('_minor')} {amount}" for name, amount in total.items())
        lines.append(f"  {currency}: {amounts} minor units")
    lines += [f"{each.reason}: {each.detail}" for each in found.breaks[:BREAKS_SHOWN_MAX]]
    if len(found.breaks) > BREAKS_SHOWN_MAX:
        lines.append(f"… and {len(found.breaks) - BREAKS_SHOWN_MAX} more (--json names all)")
    lines.append(f"{len(found.breaks)} OPEN BREAKS" if found.breaks else "settled")
    return lines


def document_of(found: Settled) -> dict[str, Any]:
    settled = found.run
    return {
        "run_id": str(settled.id),
        "provider": settled.provider,
        "day": str(settled.day),
        "file_sha256": settled.file_sha256,
        "is_repeated": found.is_repeated,
        "lines": settled.lines,
        "matched_lines": settled.matched_lines,
        "matched_postings": settled.matched_postings,
        "awaited_postings": settled.awaited_postings,
        "totals": settled.totals,
        "breaks": [
            {
                "id": str(each.id),
                "reason": str(each.reason),
                "reference": each.reference,
                "lines": each.lines,
                "postings": each.postings,
                "settled_minor": each.settled_minor,
                "posted_minor": each.posted_minor,
                "detail": each.detail,
            }
            for each in found.breaks
        ],
    }
