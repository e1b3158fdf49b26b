"""The pieces of the checkout benchmark, for a moment: it measures what happens, and says so when books disagree."""

import json
from dataclasses import replace
from uuid import UUID

import pytest

from benchmarks.client import Outcome
from benchmarks.figures import Figure
from benchmarks.ledger import lags_of, wait_recorded
from benchmarks.load import Load
from benchmarks.proof import Disproved, prove
from benchmarks.storefront import Storefront
from core.api.models import IdempotencyRecord
from core.env import env
from core.orders.models import Order


@pytest.fixture(scope="module")
def shop() -> Storefront:
    return Storefront(users=20, products=20)


@pytest.fixture(scope="module")
def load() -> Load:
    return Load(url=env.str("WEB_URL"), connections=8)


def test_a_burst_is_proved_by_the_database_and_arrives_in_cassandra(shop, load):
    orders = shop.drafts(2_000, hot=True)

    outcome = load.checkouts(orders, seconds=1.0)

    prove(orders, outcome)
    accepted = [UUID(name) for name, _ in outcome.accepted]
    assert len(accepted) == Order.objects.filter(id__in=accepted, payment_status="paid").count() > 8
    wait_recorded(accepted)
    assert max(lags_of(outcome)) < 60


def test_a_rate_is_offered_and_not_exceeded(shop, load):
    orders = shop.drafts(60)

    outcome = load.checkouts(orders, seconds=1.0, rate=20)

    prove(orders, outcome)
    assert 20 <= len(outcome.accepted) <= 20 + 8


def test_the_empty_endpoint_answers(load):
    outcome = load.empty(seconds=0.3)

    assert (outcome.others, len(outcome.accepted) > 8) == ({}, True)


@pytest.fixture
def paid(shop, load):
    orders = shop.drafts(4)
    outcome = load.checkouts(orders, seconds=5.0)
    outcome.ran_out = False
    prove(orders, outcome)
    return orders, outcome


def test_an_answer_too_many_is_found(paid):
    orders, outcome = paid

    with pytest.raises(Disproved, match="other answers"):
        prove(orders, Outcome(**{**as_dict(outcome), "accepted": [*outcome.accepted, outcome.accepted[0]]}))


def test_an_order_that_was_paid_without_an_answer_is_found(paid):
    orders, outcome = paid

    with pytest.raises(Disproved, match="paid orders"):
        prove(orders, Outcome(**{**as_dict(outcome), "accepted": outcome.accepted[1:]}))


def test_a_missing_stored_answer_is_found(paid):
    orders, outcome = paid
    IdempotencyRecord.objects.filter(key=orders[0].key).delete()

    with pytest.raises(Disproved, match="stored answers"):
        prove(orders, outcome)


def test_a_refused_checkout_disproves_the_run(paid, load):
    orders, _ = paid
    under_another_key = replace(orders[0], key="another-key")

    outcome = load.checkouts([under_another_key], seconds=2.0)

    assert outcome.others == {"409": 1}
    with pytest.raises(Disproved, match="409"):
        prove([under_another_key], outcome)


def test_a_figure_is_one_line_of_json():
    line = json.loads(Figure("checkout", "acceptance_per_second", 512.345, "1/s", 4096.0, "500 required").line())

    assert line == {
        "bench": "checkout",
        "figure": "acceptance_per_second",
        "value": 512.35,
        "unit": "1/s",
        "baseline": 4096.0,
        "ratio": 0.1251,
        "target": "500 required",
    }


def as_dict(outcome: Outcome) -> dict:
    return {name: getattr(outcome, name) for name in outcome.__dataclass_fields__}
