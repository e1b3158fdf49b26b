"""Places at which a test may kill the process, before and after every side effect that must happen once.

FAILPOINT names one (`operation.submitted`, or `operation.submitted:2` for its second pass) and ALLOW_FAILPOINTS permits
it; without both nothing here does anything. The process ends as if killed: no handler runs, nothing is flushed, the
database sees a broken connection.
"""

import os
import threading
from dataclasses import dataclass

KILLED_EXIT_CODE = 137

POINTS: dict[str, str] = {
    "wallet_checkout.looked": "the first statement has locked and read; nothing is written",
    "wallet_checkout.decided": "the second statement, which also commits, is ready to be sent",
    "wallet_checkout.committed": "the wallet is debited and the order paid; nobody was answered",
    "saga_checkout.requested": "stock is reserved and operations are requested; nothing is committed",
    "request.answered": "the answer of an idempotent request is stored with its work; nothing is committed",
    "request.committed": "work and answer are committed; nobody was answered",
    "operation.claimed": "an operation is claimed by a committed lease; the provider was not called",
    "operation.called": "the provider has answered; nothing is recorded",
    "operation.recorded": "the provider's answer is recorded; nothing is committed",
    "operation.committed": "the provider's answer is recorded and committed; the worker does not know",
    "webhook.stored": "the event's row is inserted; its effect is not, and nothing is committed",
    "webhook.applied": "the event's row and effect are written; nothing is committed",
    "webhook.committed": "the event is recorded and committed; the provider was not answered",
    "delivery.claimed": "a delivery is claimed by a committed lease; the endpoint was not called",
    "delivery.sent": "the endpoint has answered; nothing is recorded",
    "delivery.recorded": "the attempt is recorded; nothing is committed",
}


class UnknownFailpoint(Exception):
    """No failpoint has this name: POINTS lists them."""


@dataclass(slots=True)
class _Armed:
    name: str
    passes_left: int


_armed: _Armed | None = None
_lock = threading.Lock()


def arm(specification: str) -> None:
    """Die at `name`, or at the N-th pass of `name:N`. Raises UnknownFailpoint: a typo never looks like survival."""
    global _armed
    name, _, number = specification.partition(":")
    if name not in POINTS or (number and not (number.isdecimal() and int(number))):
        raise UnknownFailpoint(f"{specification!r} is not one of: {', '.join(POINTS)}, each with or without :N")
    _armed = _Armed(name, int(number or 1))


def failpoint(name: str) -> None:
    """End the process here when it is armed for this place and pass. Raises UnknownFailpoint for a name not listed."""
    if name not in POINTS:
        raise UnknownFailpoint(name)
    if _armed is None or _armed.name != name:
        return
    with _lock:
        _armed.passes_left -= 1
        if _armed.passes_left == 0:
            os._exit(KILLED_EXIT_CODE)
