import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.payments.domain.accounts import Unbalanced, assert_balanced, postings_of
from core.payments.domain.payment_state import EventType, PaymentType

MONEY_EVENTS = [
    (EventType.CAPTURED, PaymentType.WALLET),
    (EventType.CAPTURED, PaymentType.CARD),
    (EventType.CAPTURED, PaymentType.IMPORTED),
    (EventType.CAPTURED, PaymentType.VOUCHER),
    (EventType.REFUND_SUCCEEDED, PaymentType.WALLET),
    (EventType.REFUND_SUCCEEDED, PaymentType.BOLETO),
    (EventType.DISPUTE_OPENED, PaymentType.CARD),
    (EventType.DISPUTE_WON, PaymentType.CARD),
    (EventType.DISPUTE_LOST, PaymentType.CARD),
    (EventType.VOUCHER_ISSUED, PaymentType.VOUCHER_ISSUE),
    (EventType.DEPOSIT_POSTED, PaymentType.DEPOSIT),
    (EventType.CREDIT_POSTED, PaymentType.CREDIT),
]


@pytest.mark.parametrize(
    ("event", "payment_type", "amount_minor", "postings"),
    [
        (EventType.CAPTURED, PaymentType.WALLET, 5, {"wallet_liability": 5, "revenue": -5}),
        (EventType.CAPTURED, PaymentType.CARD, 5, {"psp_clearing:sim": 5, "revenue": -5}),
        (EventType.CAPTURED, PaymentType.IMPORTED, 5, {"imported_clearing": 5, "revenue": -5}),
        (EventType.DEPOSIT_POSTED, PaymentType.DEPOSIT, 5, {"psp_clearing:sim": 5, "wallet_liability": -5}),
        (EventType.CREDIT_POSTED, PaymentType.CREDIT, -5, {"imported_clearing": -5, "refunds": 5}),
        (EventType.CAPTURED, PaymentType.VOUCHER, 5, {"voucher_liability": 5, "revenue": -5}),
        (EventType.CAPTURED, PaymentType.BOLETO, 5, {"psp_clearing:sim": 5, "revenue": -5}),
        (EventType.REFUND_SUCCEEDED, PaymentType.WALLET, 5, {"refunds": 5, "wallet_liability": -5}),
        (EventType.REFUND_SUCCEEDED, PaymentType.VOUCHER, 5, {"refunds": 5, "voucher_liability": -5}),
        (EventType.REFUND_SUCCEEDED, PaymentType.CARD, 5, {"refunds": 5, "psp_clearing:sim": -5}),
        (EventType.DISPUTE_OPENED, PaymentType.CARD, 5, {"disputes_reserve": 5, "psp_clearing:sim": -5}),
        (EventType.DISPUTE_WON, PaymentType.CARD, 5, {"psp_clearing:sim": 5, "disputes_reserve": -5}),
        (EventType.DISPUTE_LOST, PaymentType.CARD, 5, {"bad_debt": 5, "disputes_reserve": -5}),
        (EventType.VOUCHER_ISSUED, PaymentType.VOUCHER_ISSUE, 5, {"promotions": 5, "voucher_liability": -5}),
        (EventType.AUTHORIZED, PaymentType.CARD, 5, {}),
        (EventType.VOIDED, PaymentType.CARD, 5, {}),
        (EventType.REFUND_REQUESTED, PaymentType.CARD, 5, {}),
        (EventType.CREATED, PaymentType.CARD, 5, {}),
        (EventType.UNKNOWN, PaymentType.CARD, 5, {}),
        (EventType.FAILED, PaymentType.CARD, 5, {}),
    ],
)
def test_each_event_posts_to_its_accounts(event, payment_type, amount_minor, postings):
    assert postings_of(event, payment_type, amount_minor, "sim") == postings


@given(st.sampled_from(MONEY_EVENTS), st.integers(-(10**15), 10**15))
def test_postings_always_sum_to_zero(kind, amount_minor):
    postings = postings_of(*kind, amount_minor, "sim")

    assert_balanced(postings)
    assert sum(postings.values()) == 0


def test_unbalanced_postings_are_refused_with_their_sum():
    with pytest.raises(Unbalanced, match="sum to 1 minor units"):
        assert_balanced({"revenue": -4, "wallet_liability": 5})
