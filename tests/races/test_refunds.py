"""However many ask for the same money back at once, it goes back once."""

from collections import Counter
from functools import partial

import pytest

from tests.merchant import Merchant, at_rest, operations_of
from tests.races.rivals import all_at_once, until_answered

RIVALS = 100
SOURCES = [("wallet", ""), ("card", "tok_approve"), ("card", "tok_refund_timeout")]


@pytest.mark.parametrize(("method", "token"), SOURCES)
def test_one_refund_sent_a_hundred_times_is_made_once(method, token):
    merchant = Merchant(wallet_minor=1_000)
    payment = merchant.paid(method, token)
    # A part, so that nothing but the key stands between this and a second refund.
    refund = partial(merchant.act, payment, "refunds", key="the-same", amount_minor=300)

    answers = all_at_once([refund] * RIVALS)
    last = until_answered(refund)

    told = Counter(answer.status_code for answer in answers)
    assert set(told) <= {201, 202, 409}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} <= {"idempotency_key_in_flight"}
    assert len({answer.json()["id"] for answer in [*answers, last] if answer.status_code != 409}) == 1
    assert at_rest(payment).refunded_minor == 300
    assert operations_of(payment, "refund") == [("succeeded", 300)]
    assert merchant.balance_minor() == (300 if method == "wallet" else 1_000)


@pytest.mark.parametrize(("method", "token"), SOURCES)
def test_of_a_hundred_refunds_of_everything_one_is_made(method, token):
    merchant = Merchant(wallet_minor=1_000)
    payment = merchant.paid(method, token)

    answers = all_at_once([partial(merchant.act, payment, "refunds", amount_minor=1_000)] * RIVALS)

    made = [answer for answer in answers if answer.status_code in (201, 202)]
    refused = [answer.json()["code"] for answer in answers if answer not in made]
    assert len(made) == 1
    assert Counter(refused) == {"refund_exceeds_capture": RIVALS - 1}
    assert at_rest(payment).refunded_minor == 1_000
    assert operations_of(payment, "refund") == [("succeeded", 1_000)]


def test_refunds_of_parts_never_give_back_more_than_was_taken():
    merchant = Merchant()
    payment = merchant.paid("card", "tok_approve")

    answers = all_at_once([partial(merchant.act, payment, "refunds", amount_minor=70)] * RIVALS)

    assert Counter(answer.status_code for answer in answers) == {202: 14, 409: RIVALS - 14}
    assert at_rest(payment).refunded_minor == 14 * 70
