"""What follows from a seal that PostgreSQL has decided: rows in Cassandra, the day's totals, a line in the file.

In this order, each step repeatable; the line comes last, so a seal without it is one whose publication was interrupted.
"""

from collections.abc import Mapping

import structlog

from core.payments.models import SealedDay
from core.payments.selectors import sealed_days
from payments_ledger.reconciliation.scope import Block
from payments_ledger.seals import published, recording, totals
from payments_ledger.seals.blocks import Recorded
from payments_ledger.seals.errors import ChainBroken
from payments_ledger.seals.seal import FIRST_PREV_SEAL, Seal, seal_of

logger = structlog.get_logger(__name__)


def publish(seal: Seal, *, recorded: Mapping[Block, Recorded] | None = None) -> None:
    """Bring the seal to Cassandra and to the file. Idempotent. Raises LedgerUnavailable, ChainBroken, OSError."""
    recording.write(seal)
    totals.recompute(seal.booking_day, computed_at=seal.sealed_at, recorded=recorded)
    published.append(seal)


def finish_interrupted() -> Seal | None:
    """Publish the newest seal when a crash came between its steps; returns it then. Call with the sealing lock.

    Raises ChainBroken unless the file ends with the newest seal or, after a crash, with the one before it: what else
    is missing there was taken away, and nothing is added to a chain that somebody has changed.
    """
    head = sealed_days.head()
    lines, torn = published.lines()
    if head is None:
        if lines or torn:
            raise ChainBroken(f"{published.path()} has {len(lines)} seals and PostgreSQL has none")
        return None
    newest = seal_of(bytes(head.body))
    if lines and lines[-1] == newest.line() and not torn:
        return None
    if not (newest.line().startswith(torn) and _ends_before(lines, newest)):
        raise ChainBroken(
            f"{published.path()} has {len(lines)} lines and does not end with seal {newest.seal_no - 1} or "
            f"{newest.seal_no}, PostgreSQL's newest: run `manage.py ledger audit-chain`"
        )
    publish(newest)
    logger.warning("ledger_seal_published_late", seal_no=newest.seal_no, booking_day=str(newest.booking_day))
    return newest


def _ends_before(lines: list[bytes], newest: Seal) -> bool:
    """Whether the last line is that of the seal before `newest`."""
    if not lines:
        return newest.prev_seal == FIRST_PREV_SEAL
    before = SealedDay.objects.filter(seal_no=newest.seal_no - 1).first()
    return before is not None and lines[-1] == seal_of(bytes(before.body)).line()
