"""The chart of accounts and the rules of double entry: every event's postings, and what may never be booked."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.payments.domain.accounts import (
    ACCOUNTS_NAMED_BY_POSTER,
    CHART,
    MONEY_EVENTS,
    NoRule,
    OtherAmount,
    PostingsRefused,
    Side,
    Unbalanced,
    UnknownAccount,
    account_named,
    imbalance_of,
    postings_of,
    require_postable,
    unknown_accounts,
)
from core.payments.domain.payment_state import EventType, PaymentType

# THE table once more, from the documents and not from the code: (event, payment type) → (debit, credit) of an amount.
# Whatever is not here moves no money, or cannot happen.
POSTS = {
    **{
        (event, payment_type): sides
        for payment_type, funding in {
            PaymentType.WALLET: "wallet_liability",
            PaymentType.VOUCHER: "voucher_liability",
            PaymentType.CARD: "psp_clearing:sim",
            PaymentType.BOLETO: "psp_clearing:sim",
            PaymentType.IMPORTED: "imported_clearing",
        }.items()
        for event, sides in {
            EventType.CAPTURED: (funding, "revenue"),
            EventType.REFUND_SUCCEEDED: ("refunds", funding),
            EventType.DISPUTE_OPENED: ("disputes_reserve", funding),
            EventType.DISPUTE_WON: (funding, "disputes_reserve"),
            EventType.DISPUTE_LOST: ("bad_debt", "disputes_reserve"),
        }.items()
    },
    (EventType.DEPOSIT_POSTED, PaymentType.DEPOSIT): ("psp_clearing:sim", "wallet_liability"),
    (EventType.VOUCHER_ISSUED, PaymentType.VOUCHER_ISSUE): ("promotions", "voucher_liability"),
    (EventType.CREDIT_POSTED, PaymentType.CREDIT): ("imported_clearing", "refunds"),
}
MOVES_MONEY = {event for event, _ in POSTS} | {EventType.ADJUSTMENT_POSTED}
KINDS = list(product(EventType, PaymentType))


@pytest.mark.parametrize(("event", "payment_type"), KINDS, ids=lambda value: str(value))
def test_every_event_of_every_payment_has_its_rule(event, payment_type):
    if event not in MOVES_MONEY:
        assert postings_of(event, payment_type, 5, "sim") == {}
    elif (event, payment_type) in POSTS:
        debit, credit = POSTS[event, payment_type]
        assert postings_of(event, payment_type, 5, "sim") == {debit: 5, credit: -5}
    else:
        with pytest.raises(NoRule, match=f"{event}.*{payment_type}"):
            postings_of(event, payment_type, 5, "sim")


def test_the_events_that_move_money_are_these_and_authorizations_are_not_among_them():
    assert MONEY_EVENTS == MOVES_MONEY
    assert {EventType.ADJUSTMENT_POSTED} == ACCOUNTS_NAMED_BY_POSTER
    assert not MONEY_EVENTS & {EventType.CREATED, EventType.AUTHORIZED, EventType.VOIDED, EventType.REMAINDER_RELEASED}


@given(
    st.sampled_from(sorted(POSTS)), st.integers(-(10**15), 10**15), st.from_regex(r"[a-z0-9_]{1,32}", fullmatch=True)
)
def test_postings_by_rule_always_balance_and_may_always_be_booked(kind, amount_minor, provider):
    postings = postings_of(*kind, amount_minor, provider)

    require_postable(kind[0], amount_minor, postings)
    assert imbalance_of(postings) == 0
    assert unknown_accounts(postings) == []


@pytest.mark.parametrize(
    ("event", "amount_minor", "postings", "error", "named"),
    [
        (EventType.CAPTURED, 5, {"revenue": -4, "wallet_liability": 5}, Unbalanced, "sum to 1 minor units"),
        (EventType.CAPTURED, 5, {"revenue": -5}, Unbalanced, "sum to -5 minor units"),
        (EventType.CAPTURED, 5, {"revenues": -5, "wallet_liability": 5}, UnknownAccount, "revenues"),
        (EventType.CAPTURED, 5, {"revenue": -5, "psp_clearing:": 5}, UnknownAccount, "psp_clearing:"),
        (EventType.CAPTURED, 5, {"revenue": -4, "wallet_liability": 4}, OtherAmount, "must move 5 and posts 4"),
        (EventType.CAPTURED, 5, {}, OtherAmount, "must move 5 and posts 0"),
        (EventType.AUTHORIZED, 5, {"revenue": -5, "wallet_liability": 5}, OtherAmount, "must move 0 and posts 5"),
        (EventType.ADJUSTMENT_POSTED, -7, {}, OtherAmount, "must move 7 and posts 0"),
    ],
)
def test_what_does_not_add_up_may_not_be_booked(event, amount_minor, postings, error, named):
    with pytest.raises(error, match=named) as refusal:
        require_postable(event, amount_minor, postings)

    assert isinstance(refusal.value, PostingsRefused)


def test_an_adjustment_may_post_to_any_account_of_the_chart():
    require_postable(EventType.ADJUSTMENT_POSTED, -7, {"imported_clearing": -7, "bad_debt": 7})
    require_postable(EventType.AUTHORIZED, 7, {})


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("revenue", "revenue"),
        ("psp_clearing:simulator", "psp_clearing"),
        ("psp_clearing:a:b", "psp_clearing"),
        ("psp_clearing", None),
        ("psp_clearing:", None),
        ("revenue:simulator", None),
        ("revenue:", None),
        ("Revenue", None),
        ("", None),
        (":", None),
    ],
)
def test_an_account_is_found_in_the_chart_or_not_at_all(name, known):
    account = account_named(name)

    assert (account and account.name) == known


def test_the_chart_says_what_each_account_is_and_on_which_side_it_stands():
    assert {name for name, account in CHART.items() if account.normal_side == Side.CREDIT} == {
        "wallet_liability",
        "voucher_liability",
        "revenue",
        "adjustments",
    }
    assert all(account.meaning for account in CHART.values())
    assert [name for name, account in CHART.items() if account.is_by_provider] == ["psp_clearing"]
