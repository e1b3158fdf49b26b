"""Any life a payment can have leaves the books at zero, and its accounts at what its totals say."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.payments.domain.accounts import imbalance_of, postings_of, require_postable, unknown_accounts
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
    """A payment of an order, moved by events drawn at random as far as its rules allow."""

    def __init__(self, payment_type: PaymentType) -> None:
        self.payment_type = payment_type
        self.state: PaymentState | None = None
        self.totals = Totals()
        self.opened: list[int] = []
        self.lost_minor = 0
        self.accounts: Counter[str] = Counter()

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
        postings = postings_of(event, self.payment_type, amount_minor, "sim")
        require_postable(event, amount_minor, postings)
        assert unknown_accounts(postings) == []
        self.accounts.update(postings)


@given(st.sampled_from(sorted(FUNDING)), st.data())
def test_whatever_happens_to_a_payment_the_total_stays_zero(payment_type, data):
    life = Life(payment_type)

    for _ in range(data.draw(st.integers(1, 12))):
        possible = life.possible()
        if not possible:
            break
        event = data.draw(st.sampled_from(possible))
        life.live(event, data.draw(st.integers(1, life.most(event))))

        assert imbalance_of(life.accounts) == 0
    totals = life.totals
    expected = {
        FUNDING[payment_type]: totals.captured_minor - totals.refunded_minor - totals.disputed_minor,
        "revenue": -totals.captured_minor,
        "refunds": totals.refunded_minor,
        "disputes_reserve": sum(life.opened),
        "bad_debt": life.lost_minor,
    }
    assert {name: amount for name, amount in life.accounts.items() if amount} == {
        name: amount for name, amount in expected.items() if amount
    }


@given(st.integers(-(10**15), 10**15), st.integers(-3, 3).filter(bool))
def test_a_posting_changed_by_a_unit_is_seen(amount_minor, by):
    postings = dict(postings_of(EventType.CAPTURED, PaymentType.WALLET, amount_minor, ""))
    postings["revenue"] += by

    assert imbalance_of(postings) == by
    with pytest.raises(ValueError, match=f"sum to {by} minor units"):
        require_postable(EventType.CAPTURED, amount_minor, postings)
