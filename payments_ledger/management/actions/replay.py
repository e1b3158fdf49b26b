"""`ledger replay`: write PaymentEvent through the sink's code again."""

import time
from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from payments_ledger.management.actions.console import DONE, Console, add_days, days_of
from payments_ledger.replay import replay

HELP = "write PaymentEvent through the sink's code again"


def add_arguments(parser: ArgumentParser) -> None:
    add_days(parser)
    parser.add_argument("--payment", type=UUID, help="this payment only")


def run(options: Mapping[str, Any], console: Console) -> int:
    first_day, last_day = days_of(options)
    started, written = time.monotonic(), 0
    for written in replay(first_day=first_day, last_day=last_day, payment_id=options["payment"]):
        console.progress(f"{written} events")
    console.end_progress()
    rate = written / max(time.monotonic() - started, 0.001)
    console.line(f"{written} events written again, {rate:.0f} events/s")
    return DONE
