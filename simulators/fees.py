"""What the provider keeps for itself, in minor units: decided with the movement and stored with it."""

from simulators.card_tokens import Kind

CAPTURE_PER_MILLE = 14
CAPTURE_FIXED_MINOR = 20
DISPUTE_MINOR = 1500


def fee_of_operation(*, kind: Kind, moved_minor: int) -> int:
    """1.4 % of a capture, rounded half up, and 20. A refund costs nothing, and what its capture cost stays with us."""
    if kind is not Kind.CAPTURE or not moved_minor:
        return 0
    return (moved_minor * CAPTURE_PER_MILLE + 500) // 1000 + CAPTURE_FIXED_MINOR


def fee_of_dispute(*, status: str) -> int:
    """1500 when it is opened; it comes back when the dispute is won and stays when it is lost."""
    return {"open": DISPUTE_MINOR, "won": -DISPUTE_MINOR}.get(status, 0)
