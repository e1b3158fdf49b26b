"""What a payment amounts to, folded from its events: the same rule for the control row, the books and the tests."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from core.payments.domain.payment_state import EventType


@dataclass(frozen=True, slots=True)
class Totals:
    """Minor units. `authorized` is what is held or taken now: a void or a release lowers it."""

    authorized_minor: int = 0
    captured_minor: int = 0
    refunded_minor: int = 0
    disputed_minor: int = 0

    @property
    def remainder_minor(self) -> int:
        """Held and not taken."""
        return self.authorized_minor - self.captured_minor


# Event → which totals its amount is added to (1) or taken from (-1); any other event changes none.
CHANGES: dict[EventType, dict[str, int]] = {
    EventType.AUTHORIZED: {"authorized_minor": 1},
    EventType.CAPTURED: {"captured_minor": 1},
    EventType.VOIDED: {"authorized_minor": -1},
    EventType.REMAINDER_RELEASED: {"authorized_minor": -1},
    EventType.REFUND_SUCCEEDED: {"refunded_minor": 1},
    EventType.DISPUTE_OPENED: {"disputed_minor": 1},
    EventType.DISPUTE_WON: {"disputed_minor": -1},
}


def totals_after(totals: Totals, event: EventType, amount_minor: int, *, is_first: bool = False) -> Totals:
    """The totals after one event. A payment that begins as captured is authorized by the same event."""
    changed = {name: getattr(totals, name) + sign * amount_minor for name, sign in CHANGES.get(event, {}).items()}
    if is_first and event == EventType.CAPTURED:
        changed["authorized_minor"] = amount_minor
    return replace(totals, **changed)


def fold(events: Iterable[tuple[EventType, int]]) -> Totals:
    """The totals after all of a payment's events, given as (type, amount) in the order of their sequence numbers."""
    totals = Totals()
    for position, (event, amount_minor) in enumerate(events):
        totals = totals_after(totals, event, amount_minor, is_first=position == 0)
    return totals
