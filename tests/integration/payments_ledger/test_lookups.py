"""`manage.py ledger query`: every block of the days, filtered, in the order of booking."""

import csv
import json
from datetime import timedelta
from io import StringIO
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command

from payments_ledger.analytics import lookups
from payments_ledger.analytics.lookups import Wanted
from tests.factories.ledger_events import insert_history, own_noon, record
from tests.factories.ledger_story import story

ADA = UUID(int=0xADA0)


def query(*arguments):
    output = StringIO()
    call_command("ledger", "query", *(str(argument) for argument in arguments), stdout=output)
    return output.getvalue()


@pytest.fixture(scope="module")
def booked(_open_database):
    """Two days: twelve card payments of two events and one wallet payment of Ada's on the first, one on the second."""
    first, second = own_noon(), own_noon()
    bodies = [
        body
        for number in range(12)
        for body in story([("created", 100), ("captured", 100)], begins=first + timedelta(minutes=number))
    ]
    bodies += story([("paid", 77)], begins=first + timedelta(hours=2), payment_type="wallet", user_id=ADA)
    bodies += story([("captured", 5)], begins=second, user_id=ADA)
    insert_history(bodies)
    record(bodies)
    return first.date(), second.date(), sorted(bodies, key=lambda body: body["booked_at"])


def keys(rows):
    return [(row[1], row[2]) for row in rows]


def test_events_of_every_block_come_in_the_order_of_booking(booked):
    first, second, bodies = booked

    rows = lookups.events(Wanted(first, second, limit=1000))

    assert keys(rows) == [(body["payment_id"], body["seq"]) for body in bodies]
    assert len({body["bucket"] for body in bodies}) > 1


def test_limit_keeps_the_earliest(booked):
    first, second, bodies = booked

    for limit in (1, 7, 25, 26):
        rows = lookups.events(Wanted(first, second, limit=limit))
        assert keys(rows) == [(body["payment_id"], body["seq"]) for body in bodies[:limit]]


def test_filters_leave_out_the_rest(booked):
    first, second, bodies = booked

    of_ada = json.loads(query("--from", first, "--to", second, "--user", ADA, "--json"))["events"]
    captured = json.loads(query("--day", first, "--event-type", "payment.captured", "--json"))["events"]
    by_wallet = json.loads(query("--day", first, "--payment-type", "wallet", "--json"))["events"]

    assert [event["amount_minor"] for event in of_ada] == [77, 5]
    assert len(captured) == 13
    assert {event["event_type"] for event in captured} == {"payments.payment.captured.v1"}
    (event,) = by_wallet
    assert event["postings"] == {"wallet_liability": 77, "revenue": -77}
    assert event["user_id"] == str(ADA)
    assert event["booked_at"] == bodies[-2]["booked_at"][:23] + "Z"


def test_csv_has_a_heading_and_a_line_an_event(booked):
    first, _, bodies = booked

    rows = list(csv.DictReader(StringIO(query("--day", first, "--csv", "--limit", 3))))

    assert [row["payment_id"] for row in rows] == [body["payment_id"] for body in bodies[:3]]
    assert json.loads(rows[1]["postings"]) == bodies[1]["postings"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "which days"),
        (("--from", "2026-01-01", "--to", "2026-03-01"), "more than 31 days"),
        (("--day", "2026-01-01", "--event-type", "payment.stolen"), "there is no event type 'payment.stolen'"),
        (("--day", "2026-01-01", "--user", "ada"), "'ada' is no id of a user"),
        (("--day", "2026-01-01", "--limit", "0"), "'0' is no number of events from 1 to 10000"),
    ],
)
def test_bad_input_is_refused_with_what_to_do(arguments, said):
    with pytest.raises(CommandError, match=said):
        query(*arguments)
