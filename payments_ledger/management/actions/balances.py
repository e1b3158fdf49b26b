"""`ledger balances`: every account as of a moment; exit 1 unless they sum to zero."""

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from core.clock import now
from core.money import EXPONENTS
from payments_ledger.management.actions.console import DIFFERS, DONE, Console, add_json
from payments_ledger.selectors.balances import Balances, trial_balance

HELP = "every account as of a moment; they must sum to zero"


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--as-of", type=moment_of, metavar="TIME", help="postings booked up to then, 2026-11-21T18:00:00Z; now without"
    )
    parser.add_argument(
        "--from-events", action="store_true", help="read every event, and take no sealed day's sums for granted"
    )
    add_json(parser)


def run(options: Mapping[str, Any], console: Console) -> int:
    found = trial_balance(options["as_of"] or now(), uses_sums=not options["from_events"])
    if options["json"]:
        console.document(document_of(found))
    else:
        for line in lines_of(found):
            console.line(line)
    return DONE if found.agrees else DIFFERS


def moment_of(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ArgumentTypeError(f"{text!r} does not say in which time zone: end it with Z for UTC")
        return moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ArgumentTypeError(f"{text!r} is no time: write it like 2026-11-21T18:00:00Z") from error


def document_of(found: Balances) -> dict[str, Any]:
    """For programs; amounts in minor units, debits positive."""
    return {
        "as_of": found.as_of.isoformat(),
        "up_to": found.up_to.isoformat(),
        "store": found.store,
        "days_summed": found.days_summed,
        "days_read": found.days_read,
        "agrees": found.agrees,
        "unknown_accounts": found.unknown_accounts,
        "totals": found.totals,
        "balances": [
            {"account": each.account, "currency": each.currency, "amount_minor": each.amount_minor}
            for each in found.balances
        ],
    }


def lines_of(found: Balances) -> list[str]:
    """For people: one line an account and currency, the verdict last."""
    lines = [
        f"booked up to {found.up_to:%Y-%m-%d %H:%M:%S.%f} UTC, from {found.store}: "
        f"{found.days_summed} sealed days by their sums, {found.days_read} by their events; debits positive"
    ]
    lines += [
        f"{each.account:<32} {_major_units(each.amount_minor, each.currency):>20} {each.currency}"
        for each in found.balances
    ]
    lines += [f"not in the chart of accounts: {account}" for account in found.unknown_accounts]
    off = [f"{_major_units(total, currency)} {currency}" for currency, total in found.totals.items() if total]
    lines.append(f"THE BOOKS DO NOT BALANCE: {', '.join(off)}" if off else "the books balance")
    return lines


def _major_units(amount_minor: int, currency: str) -> str:
    """A currency this installation does not know stays in minor units."""
    return str(Decimal(amount_minor).scaleb(-EXPONENTS.get(currency, 0)))
