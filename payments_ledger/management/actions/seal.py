"""`ledger seal`: close booking days, chained by hash.

Exit codes: 0 sealed, or sealed before, or nothing was booked · 1 the stores differ on a day, or the published chain
does not fit · 2 a day is not over, is still being imported, or has a parked payment or a dead letter.
"""

from argparse import ArgumentParser
from collections import Counter
from collections.abc import Mapping
from datetime import date
from typing import Any

from django.core.management.base import CommandError

from payments_ledger.management.actions.console import DIFFERS, DONE, NO_VERDICT, Console, add_json, day_of
from payments_ledger.seals import obstacles, runs, sealing
from payments_ledger.seals.days import unsealed_days
from payments_ledger.seals.errors import ChainBroken, SealingBusy
from payments_ledger.seals.sealing import DayResult, Outcome

HELP = "close booking days, chained by hash"


def add_arguments(parser: ArgumentParser) -> None:
    days = parser.add_mutually_exclusive_group(required=True)
    days.add_argument("--day", type=day_of, help="this booking day, YYYY-MM-DD")
    days.add_argument("--through", type=day_of, metavar="DAY", help="every day not sealed so far, up to and with this")
    parser.add_argument("--dry-run", action="store_true", help="say what stands in the way; seal and verify nothing")
    parser.add_argument(
        "--from", dest="first_day", type=day_of, metavar="DAY", help="with --through: and none before this"
    )
    add_json(parser)


def run(options: Mapping[str, Any], console: Console) -> int:
    last_day = options["day"] or options["through"]
    first_day = options["first_day"] or date.min
    if options["first_day"] and (options["day"] or first_day > last_day):
        raise CommandError(f"--from {first_day} needs --through and a day not before it", returncode=NO_VERDICT)
    if late := obstacles.not_over(last_day):
        raise CommandError(f"{late[0]}: nothing was sealed", returncode=NO_VERDICT)
    if options["dry_run"]:
        return _rehearse(options, console, first_day)

    def told(result: DayResult) -> None:
        console.progress(f"{result.day} {result.outcome}")
        if not options["json"] and (options["day"] or result.outcome in _BAD):
            _print(result, console)

    try:
        if options["day"]:
            results = [sealing.seal_day(last_day)]
            told(results[0])
        else:
            results = runs.seal_and_keep(last_day, first_day=first_day, told=told)
    except SealingBusy as error:
        raise CommandError(str(error), returncode=NO_VERDICT) from error
    except ChainBroken as error:
        raise CommandError(str(error), returncode=DIFFERS) from error
    console.end_progress()
    _conclude(results, options, console)
    return max((_BAD.get(result.outcome, DONE) for result in results), key=_SEVERITY.index, default=DONE)


# A difference weighs more than what only has to be waited for.
_BAD = {Outcome.NOT_YET: NO_VERDICT, Outcome.DIFFERS: DIFFERS}
_SEVERITY = [DONE, NO_VERDICT, DIFFERS]


def _rehearse(options: Mapping[str, Any], console: Console, first_day: date) -> int:
    days = [options["day"]] if options["day"] else unsealed_days(options["through"], first_day=first_day)
    reasons = [reason for day in days for reason in obstacles.under_way(day)]
    if options["json"]:
        console.document({"days": [str(day) for day in days], "reasons": reasons})
    else:
        console.line(f"{len(days)} days would be verified and sealed")
        for reason in reasons:
            console.line(reason)
    return NO_VERDICT if reasons else DONE


def _print(result: DayResult, console: Console) -> None:
    words = {
        Outcome.SEALED: f"sealed as number {result.seal_no}: {result.blocks} blocks, {result.events} events",
        Outcome.ALREADY_SEALED: f"was sealed before, as number {result.seal_no}",
        Outcome.EMPTY: "nothing is booked on it, so there is nothing to seal",
        Outcome.NOT_YET: "cannot be sealed yet",
        Outcome.DIFFERS: "THE STORES DIFFER, so it is not sealed",
    }
    console.line(f"{result.day}: {words[result.outcome]}")
    for reason in result.reasons:
        console.line(f"  {reason}")


def _conclude(results: list[DayResult], options: Mapping[str, Any], console: Console) -> None:
    counted = Counter(str(result.outcome) for result in results)
    if options["json"]:
        console.document({"counts": dict(counted), "days": [result.as_json() for result in results]})
    elif not options["day"]:
        console.line(", ".join(f"{count} {outcome}" for outcome, count in sorted(counted.items())) or "nothing to seal")
