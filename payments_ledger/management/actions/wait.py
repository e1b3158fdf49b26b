"""`ledger wait`: until Cassandra has acknowledged every event."""

import time
from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from payments_ledger import history
from payments_ledger.management.actions.console import DIFFERS, DONE, Console

HELP = "until Cassandra has acknowledged every event"
POLL_SECONDS = 0.5


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--timeout", type=float, default=60.0, metavar="SECONDS")


def run(options: Mapping[str, Any], console: Console) -> int:
    deadline = time.monotonic() + options["timeout"]
    while True:
        payments, events = history.unrecorded()
        if not payments:
            console.line("every event is recorded")
            return DONE
        if time.monotonic() >= deadline:
            console.line(f"not recorded in time: {events} events of {payments} payments")
            return DIFFERS
        time.sleep(POLL_SECONDS)
