"""How a dispute goes."""

from enum import StrEnum

from core.payments.domain.payment_state import EventType


class DisputeState(StrEnum):
    OPEN = "open"  # the provider took the amount back and waits for our side
    EVIDENCE_SUBMITTED = "evidence_submitted"  # we told our side
    WON = "won"  # the amount is ours again
    LOST = "lost"  # the amount is gone


# (state before, event) → state after. None is "no such dispute yet"; what is not here is refused or ignored.
DISPUTE_TRANSITIONS: dict[tuple[DisputeState | None, EventType], DisputeState] = {
    (None, EventType.DISPUTE_OPENED): DisputeState.OPEN,
    (DisputeState.OPEN, EventType.DISPUTE_EVIDENCE_SUBMITTED): DisputeState.EVIDENCE_SUBMITTED,
    (DisputeState.OPEN, EventType.DISPUTE_WON): DisputeState.WON,
    (DisputeState.OPEN, EventType.DISPUTE_LOST): DisputeState.LOST,
    (DisputeState.EVIDENCE_SUBMITTED, EventType.DISPUTE_WON): DisputeState.WON,
    (DisputeState.EVIDENCE_SUBMITTED, EventType.DISPUTE_LOST): DisputeState.LOST,
}
