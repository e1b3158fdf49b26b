"""A Celery worker whose one task reads and writes the ledger; its parent has used the ledger before it forks.

Started by the fork matrix: celery -A tests.fakes.ledger_worker worker …
"""

import json
import os
import threading
import time
from contextlib import suppress
from uuid import UUID

from celery.signals import worker_init

from payments_ledger import session, writing
from payments_ledger.errors import LedgerUnavailable
from payments_ledger.rows import rows_of
from workers.celery import app

STATE = "SELECT status FROM payments_by_id WHERE payment_id = ?"


@worker_init.connect
def _use_the_ledger_before_the_fork(**_: object) -> None:
    with suppress(LedgerUnavailable):
        session.ping()


@app.task(name="tests.touch_ledger")
def touch_ledger(bodies: list[str], report: str) -> None:
    """Look something up, write these events, and add a line to the file `report`: who, how long, what went wrong."""
    began, error = time.monotonic(), ""
    try:
        # The process shows in the request's own bytes which of them sent it.
        session.lookup(STATE, [UUID(int=os.getpid())])
        writing.write([rows_of(body.encode()) for body in bodies])
    except LedgerUnavailable as refusal:
        error = refusal.code
    line = {
        "pid": os.getpid(),
        "thread": threading.get_ident(),
        "seconds": time.monotonic() - began,
        "error": error,
    }
    # Long enough that the next task meets another process or thread of the pool.
    time.sleep(0.2)
    with open(report, "a") as handle:
        handle.write(json.dumps(line) + "\n")
