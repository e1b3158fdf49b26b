"""A payment's life drawn at random, step by step as far as its rules allow."""

from hypothesis import strategies as st

from core.payments.domain.payment_state import PAYMENT_TRANSITIONS, EventType, PaymentState, PaymentType, next_state
from core.payments.domain.totals import Totals, totals_after

FUNDING = {
    PaymentType.WALLET: "wallet_liability",
    PaymentType.VOUCHER: "voucher_liability",
    PaymentType.CARD: "psp_clearing:sim",
    PaymentType.BOLETO: "psp_clearing:sim",
    PaymentType.IMPORTED: "imported_clearing",
}
# Events that begin a payment which stands for itself; an order's payment never does.
OWN = {EventType.DEPOSIT_POSTED, EventType.VOUCHER_ISSUED, EventType.CREDIT_POSTED, EventType.ADJUSTMENT_POSTED}


class Life:
    """A payment of an order; `events` are (event, amount, state after it), `opened` its open disputes' amounts."""

    def __init__(self, payment_type: PaymentType) -> None:
        self.payment_type = payment_type
        self.state: PaymentState | None = None
        self.totals = Totals()
        self.opened: list[int] = []
        self.lost_minor = 0
        self.events: list[tuple[EventType, int, PaymentState]] = []

    def possible(self) -> list[EventType]:
        return [
            event
            for before, event in PAYMENT_TRANSITIONS
            if before == self.state and event not in OWN and self.most(event) > 0
        ]

    def most(self, event: EventType) -> int:
        """The largest amount the event may have now."""
        totals = self.totals
        if event in (EventType.VOIDED, EventType.REMAINDER_RELEASED):
            return totals.remainder_minor
        if event == EventType.CAPTURED and self.state is not None:
            return totals.remainder_minor
        if event in (EventType.REFUND_SUCCEEDED, EventType.REFUND_REQUESTED, EventType.REFUND_FAILED):
            return totals.captured_minor - totals.refunded_minor
        if event == EventType.DISPUTE_OPENED:
            return totals.captured_minor - totals.disputed_minor
        if event in (EventType.DISPUTE_WON, EventType.DISPUTE_LOST, EventType.DISPUTE_EVIDENCE_SUBMITTED):
            return self.opened[-1] if self.opened else 0
        return 10**12

    def live(self, event: EventType, amount_minor: int) -> None:
        """One event; what releases or ends something takes the whole of it, whatever amount is given."""
        is_first = self.state is None
        if event in (EventType.VOIDED, EventType.REMAINDER_RELEASED) or event.startswith("payments.dispute"):
            amount_minor = amount_minor if event == EventType.DISPUTE_OPENED else self.most(event)
        self.totals = totals_after(self.totals, event, amount_minor, is_first=is_first)
        self.state = next_state(self.state, event, remainder_minor=self.totals.remainder_minor)
        if event == EventType.DISPUTE_OPENED:
            self.opened.append(amount_minor)
        if event in (EventType.DISPUTE_WON, EventType.DISPUTE_LOST):
            self.opened.pop()
            self.lost_minor += amount_minor if event == EventType.DISPUTE_LOST else 0
        self.events.append((event, amount_minor, self.state))


@st.composite
def lives(draw: st.DrawFn, *, steps_max: int = 12) -> Life:
    """A payment after one to `steps_max` events."""
    life = Life(draw(st.sampled_from(sorted(FUNDING))))
    for _ in range(draw(st.integers(1, steps_max))):
        possible = life.possible()
        if not possible:
            break
        event = draw(st.sampled_from(possible))
        life.live(event, draw(st.integers(1, life.most(event))))
    return life
