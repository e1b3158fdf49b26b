"""Sums of sealed days: added up once, the same as the events they stand for, and used for whole days only."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from payments_ledger import day_sums
from payments_ledger.models import DaySums
from payments_ledger.seals import sealing
from payments_ledger.selectors.balances import balance_of, trial_balance
from tests.factories.ledger_events import day_of, insert_history, life_of_payment, own_noon, record
from tests.ledger_command import ledger

CLEARING = "psp_clearing:summed"


class Day:
    """A sealed day with a card payment, a payment in yen and an authorization, and nothing of it after 12:01."""

    def __init__(self):
        noon = own_noon()
        steps = [("payment.created", 1000), ("payment.authorized", 1000), ("payment.captured", 700)]
        lives = [
            life_of_payment(*steps, payment_type="card", provider="summed", booked_at=noon),
            life_of_payment(("payment.captured", 90), booked_at=noon, currency="JPY"),
            life_of_payment(*steps[:2], payment_type="card", provider="summed", booked_at=noon),
        ]
        everything = [body for bodies in lives for body in bodies]
        insert_history(everything)
        record(everything)
        self.noon, self.date = noon, day_of(everything[0])
        self.ended = datetime.combine(self.date + timedelta(days=1), datetime.min.time(), tzinfo=UTC)
        assert sealing.seal_day(self.date).outcome == sealing.Outcome.SEALED


@pytest.fixture(scope="module")
def day():
    return Day()


@pytest.fixture
def summed(day):
    day_sums.add_sealed_days()
    return day


def test_a_sealed_day_is_added_up_once(day):
    with transaction.atomic():
        DaySums.objects.filter(booking_day=day.date).delete()
        added, again = day_sums.add_sealed_days(), day_sums.add_sealed_days()
        sums = DaySums.objects.get(booking_day=day.date)
        transaction.set_rollback(True)

    assert (added >= 1, again) == (True, 0)
    assert sums.event_count == 6
    assert sums.sums == {
        "GBP": {CLEARING: 700, "revenue": -700},
        "JPY": {"wallet_liability": 90, "revenue": -90},
    }


def test_a_day_that_is_not_sealed_has_no_sums(summed):
    bodies = life_of_payment(("payment.captured", 5), booked_at=own_noon())
    insert_history(bodies)
    record(bodies)

    day_sums.add_sealed_days()

    assert not DaySums.objects.filter(booking_day=day_of(bodies[0])).exists()


def test_balances_are_the_same_from_sums_and_from_events(summed):
    by_sums, by_events = trial_balance(summed.ended), trial_balance(summed.ended, uses_sums=False)

    assert by_sums.balances == by_events.balances
    assert (by_sums.agrees, by_sums.up_to) == (True, by_events.up_to)
    assert by_sums.days_summed >= 1
    assert by_events.days_summed == 0
    assert by_sums.days_summed + by_sums.days_read == by_events.days_read
    for account in (CLEARING, "revenue", "bad_debt"):
        one, all_events = balance_of(account, summed.ended), balance_of(account, summed.ended, uses_sums=False)
        assert one.balances == all_events.balances


def test_a_moment_within_a_sealed_day_is_answered_from_its_events(summed):
    before, after = summed.noon + timedelta(seconds=1), summed.noon + timedelta(seconds=2)
    earlier, later = balance_of(CLEARING, before), balance_of(CLEARING, after)

    def cleared(found):
        return sum(each.amount_minor for each in found.balances)

    assert cleared(later) - cleared(earlier) == 700
    assert earlier.days_summed == later.days_summed
    assert balance_of(CLEARING, summed.ended).days_summed == later.days_summed + 1


def test_sums_that_are_wrong_are_seen_beside_the_events(summed):
    as_of = summed.ended.isoformat()
    with transaction.atomic():
        DaySums.objects.filter(booking_day=summed.date).update(sums={"GBP": {CLEARING: 701, "revenue": -700}})
        code, output = ledger("balances", "--as-of", as_of)
        transaction.set_rollback(True)

    assert (code, "THE BOOKS DO NOT BALANCE: 0.01 GBP" in output) == (1, True)
    assert ledger("balances", "--as-of", as_of, "--from-events")[0] == 0
    assert ledger("balances", "--as-of", as_of)[0] == 0
