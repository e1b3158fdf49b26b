"""Any life a payment can have leaves the books at zero, and its accounts at what its totals say."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.payments.domain.accounts import imbalance_of, postings_of, require_postable
from core.payments.domain.payment_state import EventType, PaymentType
from tests.properties.payment_life import FUNDING, lives


@given(lives())
def test_whatever_happens_to_a_payment_the_total_stays_zero(life):
    accounts: Counter[str] = Counter()

    for event, amount_minor, _ in life.events:
        postings = postings_of(event, life.payment_type, amount_minor, "sim")
        require_postable(event, amount_minor, postings)
        accounts.update(postings)

        assert imbalance_of(accounts) == 0
    totals = life.totals
    expected = {
        FUNDING[life.payment_type]: totals.captured_minor - totals.refunded_minor - totals.disputed_minor,
        "revenue": -totals.captured_minor,
        "refunds": totals.refunded_minor,
        "disputes_reserve": sum(life.opened),
        "bad_debt": life.lost_minor,
    }
    assert {name: amount for name, amount in accounts.items() if amount} == {
        name: amount for name, amount in expected.items() if amount
    }


@given(st.integers(-(10**15), 10**15), st.integers(-3, 3).filter(bool))
def test_a_posting_changed_by_a_unit_is_seen(amount_minor, by):
    postings = dict(postings_of(EventType.CAPTURED, PaymentType.WALLET, amount_minor, ""))
    postings["revenue"] += by

    assert imbalance_of(postings) == by
    with pytest.raises(ValueError, match=f"sum to {by} minor units"):
        require_postable(EventType.CAPTURED, amount_minor, postings)
