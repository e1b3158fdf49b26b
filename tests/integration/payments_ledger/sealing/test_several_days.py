"""Of several days each is sealed once, and one that waits or differs holds up no other."""

from datetime import UTC, datetime

from payments_ledger.seals import sealing
from payments_ledger.seals.days import booked_days, unsealed_days
from payments_ledger.seals.sealing import Outcome, seal_day, seal_through
from tests.factories.ledger_events import fields, insert_history, own_noon, record
from tests.integration.payments_ledger.sealable import SealableDay
from tests.integration.payments_ledger.sealing.days import assert_whole, open_import
from tests.ledger_command import ledger


def test_days_are_sealed_through_a_day_each_once_and_one_that_waits_holds_up_no_other(monkeypatch):
    days = [SealableDay(payments=1) for _ in range(3)]
    monkeypatch.setattr(sealing, "unsealed_days", lambda last_day, **_: [day.date for day in days])

    with open_import(days[1]):
        results = list(seal_through(days[-1].date))
    again = list(seal_through(days[-1].date))

    assert [result.outcome for result in results] == [Outcome.SEALED, Outcome.NOT_YET, Outcome.SEALED]
    assert [result.outcome for result in again] == [Outcome.ALREADY_SEALED, Outcome.SEALED, Outcome.ALREADY_SEALED]
    # In the order of sealing, not of days.
    assert again[1].seal_no > results[2].seal_no > results[0].seal_no
    for day in days:
        assert_whole(day)


def test_a_difference_on_one_day_leaves_its_neighbours_sealed(monkeypatch):
    days = [SealableDay(payments=1) for _ in range(3)]
    monkeypatch.setattr(sealing, "unsealed_days", lambda last_day, **_: [day.date for day in days])
    lost = fields(booked_at=datetime(days[1].date.year, days[1].date.month, days[1].date.day, 9, tzinfo=UTC))
    insert_history([lost], inserted_seconds_ago=3600)

    try:
        results = list(seal_through(days[-1].date))
    finally:
        record([lost])

    assert [result.outcome for result in results] == [Outcome.SEALED, Outcome.DIFFERS, Outcome.SEALED]
    assert lost["payment_id"] in results[1].reasons[0]


def test_the_days_to_seal_are_those_with_events_and_no_seal():
    noons = [own_noon() for _ in range(3)]
    bodies = [fields(booked_at=noons[0]), fields(booked_at=noons[2])]
    insert_history(bodies)
    record(bodies)
    first, last = noons[0].date(), noons[2].date()
    assert booked_days(first, last) == [first, last]
    assert unsealed_days(last, first_day=first) == [first, last]
    seal_day(first)
    assert unsealed_days(last, first_day=first) == [last]
    assert unsealed_days(first, first_day=first) == []


def test_with_nothing_to_seal_the_command_says_so():
    assert ledger("seal", "--through", "1969-12-31") == (0, "nothing to seal\n")
    assert ledger("seal", "--through", "1969-12-31", "--dry-run")[0] == 0
