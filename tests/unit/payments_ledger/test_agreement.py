"""Events, latest state and PostgreSQL's row held to each other: being behind is no difference, anything else is one."""

from dataclasses import replace
from uuid import UUID

import pytest

from payments_ledger.agreement import Identity, State, compare
from payments_ledger.folding import RecordedEvent

ORDER, USER = UUID(int=1), UUID(int=2)
IDENTITY = Identity(ORDER, USER, "card", "simulator")


def event(seq, event_type, status_after, amount_minor):
    return RecordedEvent(seq, f"payments.{event_type}.v1", status_after, amount_minor, "GBP", None, {}, None, None)


EVENTS = [
    event(1, "payment.created", "processing", 500),
    event(2, "payment.authorized", "authorized", 500),
    event(3, "payment.captured", "captured", 500),
    event(4, "refund.succeeded", "captured", 200),
]


def state(version, status="captured", totals=(500, 500, 200, 0)):
    return State(version, status, "GBP", *totals, ORDER, USER, "card", "simulator")


NEWEST = state(4)
AFTER = {
    1: state(1, "processing", (0, 0, 0, 0)),
    2: state(2, "authorized", (500, 0, 0, 0)),
    3: state(3, "captured", (500, 500, 0, 0)),
    4: NEWEST,
}


def differences(events=EVENTS, projection=NEWEST, decided=NEWEST, *, recorded_seq=4, identity=IDENTITY):
    verdict = compare(events, identity if events else None, projection, decided, recorded_seq=recorded_seq)
    return list(verdict.differences)


def test_stores_that_say_the_same_agree():
    verdict = compare(EVENTS, IDENTITY, NEWEST, NEWEST, recorded_seq=4)

    assert (verdict.differences, verdict.is_current) == ((), True)


@pytest.mark.parametrize("events", [0, 1, 2, 3, 4])
@pytest.mark.parametrize("projection", [0, 1, 2, 3, 4])
def test_what_is_on_its_way_is_no_difference(events, projection):
    verdict = compare(EVENTS[:events], IDENTITY if events else None, AFTER.get(projection), NEWEST, recorded_seq=0)

    assert verdict.differences == ()
    assert verdict.is_current == (events == 4)


@pytest.mark.parametrize("recorded_seq", [1, 2, 3, 4])
def test_what_was_acknowledged_must_be_there(recorded_seq):
    behind = differences(EVENTS[: recorded_seq - 1], AFTER.get(recorded_seq - 1), recorded_seq=recorded_seq)

    assert f"payment_events: event {recorded_seq} was acknowledged, the last there is {recorded_seq - 1}" in behind
    told = {1: "payments_by_id: has no row"}
    assert (
        told.get(recorded_seq, f"payments_by_id: event {recorded_seq} was acknowledged, its version is older") in behind
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("status", "authorized"),
        ("currency", "EUR"),
        ("authorized_minor", 501),
        ("captured_minor", None),
        ("refunded_minor", 0),
        ("disputed_minor", 1),
        ("order_id", USER),
        ("user_id", None),
        ("payment_type", "wallet"),
        ("provider", ""),
    ],
)
def test_a_changed_cell_is_named_with_its_store(field, value):
    wrong = replace(NEWEST, **{field: value})
    right = getattr(NEWEST, field)

    assert differences(projection=wrong) == [f"payments_by_id.{field} is {value}, the events say {right}"]
    assert differences(decided=wrong) == [f"postgresql.{field} is {value}, the events say {right}"]


def test_an_older_state_is_compared_with_the_events_of_then():
    wrong = replace(AFTER[3], captured_minor=1)

    assert differences(projection=wrong, recorded_seq=3) == ["payments_by_id.captured_minor is 1, the events say 500"]


@pytest.mark.parametrize("store", ["payment_events", "payments_by_id"])
def test_nothing_is_ahead_of_postgresql(store):
    projection = NEWEST if store == "payments_by_id" else AFTER[3]
    found = differences(EVENTS if store == "payment_events" else EVENTS[:3], projection, AFTER[3], recorded_seq=3)

    assert found == [f"{store}: has version 4, PostgreSQL only 3"]


def test_a_payment_that_postgresql_does_not_have_is_a_difference():
    assert differences(decided=None, recorded_seq=0) == ["postgresql: has no such payment"]


def test_events_that_contradict_each_other_are_a_difference():
    assert "payment_events: event 2 is missing" in differences([EVENTS[0], *EVENTS[2:]])
