"""The demonstration's purchases, and its eye for what its shoppers were told."""

from collections import Counter

import pytest

from deploy.demo.shopping import MIX, draw_purchases, untruths
from simulators.shoppers import Outcome, Purchase


def outcome(kind: str = "wallet", **facts: object) -> Outcome:
    purchase = Purchase(kind=kind, email="a@example.org", lines=[], instruments=MIX[kind][1], is_sent_twice=True)
    told = {"order_id": "1", "payment_status": "paid", "answers": [200, 200], "captured_payments": 1, **facts}
    return Outcome(purchase, **told)  # type: ignore[arg-type]


def test_purchases_have_the_proportions_of_the_mix_and_every_tenth_of_a_kind_is_sent_twice():
    purchases = draw_purchases(count=300, emails=["a@example.org"], products=[str(n) for n in range(5)])

    assert len(purchases) == 300
    assert Counter(purchase.kind for purchase in purchases) == {kind: share * 3 for kind, (share, _) in MIX.items()}
    assert Counter(purchase.kind for purchase in purchases if purchase.is_sent_twice) == {
        "wallet": 14,
        "card approved": 8,
        "wallet and card": 3,
        "wallet and card declined": 1,
        "card declined": 3,
        "card timed out after charge": 2,
        "card error after charge": 2,
        "card timed out before charge": 1,
    }


def test_every_kind_of_payment_is_in_the_mix_of_a_hundred():
    assert sum(share for share, _ in MIX.values()) == 100


@pytest.mark.parametrize(
    "truth",
    [
        outcome(),
        outcome("card approved", answers=[202, 202]),
        outcome("wallet and card", answers=[202, 202], captured_payments=2),
        outcome("card approved", answers=[202, 200]),
        outcome("card declined", answers=[202], payment_status="failed", captured_payments=0),
    ],
)
def test_what_happened_as_it_was_told_is_no_untruth(truth):
    assert list(untruths([truth])) == []


@pytest.mark.parametrize(
    ("lie", "sentence"),
    [
        (outcome(captured_payments=2), "charged 2 times"),
        (outcome("wallet and card", answers=[202, 202], captured_payments=3), "charged 3 times"),
        (outcome(answers=[200, 402]), "answered in two ways"),
        (outcome(payment_status="pending"), "ended as 'pending'"),
        (outcome("card declined", answers=[202], captured_payments=1), "ended as 'paid'"),
        (outcome(error="ReadTimeout: no answer"), "ReadTimeout: no answer"),
    ],
)
def test_each_kind_of_untruth_is_named(lie, sentence):
    (found,) = untruths([lie])

    assert sentence in found
