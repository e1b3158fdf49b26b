"""Sequence numbers that a batch of messages skips, and their events, which PostgreSQL still holds."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

import structlog

from core.payments.selectors.payments import recorded_seqs
from payments_ledger import history
from payments_ledger.rows import EventRows

logger = structlog.get_logger(__name__)

Key = tuple[UUID, int]

# More than any payment has events; a wilder jump is a defect to look at, not a reason to read for minutes.
REFETCH_MAX = 10_000


def missing_keys(keys: Iterable[Key], recorded: Mapping[UUID, int]) -> list[Key]:
    """The (payment_id, seq) between what is recorded and the highest seq in `keys` that are in neither. Pure."""
    present: dict[UUID, set[int]] = defaultdict(set)
    for payment_id, seq in keys:
        present[payment_id].add(seq)
    return [
        (payment_id, seq)
        for payment_id, seqs in present.items()
        for seq in range(recorded.get(payment_id, 0) + 1, max(seqs))
        if seq not in seqs
    ]


def refetched(keys: Sequence[Key]) -> list[EventRows]:
    """The events that `keys` skip, from PostgreSQL. Counted in the log; never a reason to block.

    A payment whose batch begins at seq 1 and is dense needs no query, which is nearly every payment.
    """
    if not missing_keys(keys, {}):
        return []
    recorded = recorded_seqs({payment_id for payment_id, _ in missing_keys(keys, {})})
    missing = missing_keys(keys, recorded)[:REFETCH_MAX]
    if not missing:
        return []
    found = list(history.events_with_keys(missing))
    logger.warning(
        "ledger_gap_refetched",
        missing=len(missing),
        found=len(found),
        payments=sorted({str(payment_id) for payment_id, _ in missing})[:10],
    )
    return found
