"""The report's figures against what each store holds."""

import json
import re
from datetime import timedelta
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command

from core.payments.models import PaymentEvent
from payments_ledger import session
from payments_ledger.reconciliation import results
from payments_ledger.tables import EVENTS_BY_DAY
from tests.factories.ledger_events import day_of, fields, history_of_payment, insert_history, own_noon, record

CREDIT = {"event_type": "payments.credit.posted.v1", "payment_type": "credit"}


@pytest.fixture
def bodies():
    """Two days: captures in two currencies, a refund, and a credit as an import books it."""
    noon = own_noon()
    (sale,) = history_of_payment(events=1, booked_at=noon, amount_minor=10_000)
    refund = fields(
        payment_id=UUID(sale["payment_id"]),
        seq=2,
        booked_at=noon + timedelta(seconds=9),
        order_id=sale["order_id"],
        amount_minor=2_500,
        event_type="payments.refund.succeeded.v1",
        postings={"refunds": 2_500, "wallet_liability": -2_500},
    )
    euros = fields(booked_at=noon, amount_minor=777, currency="EUR")
    credit = fields(booked_at=noon, amount_minor=-300, postings={"imported_clearing": -300, "refunds": 300}, **CREDIT)
    late = fields(booked_at=own_noon(), amount_minor=40)
    made = [sale, refund, euros, credit, late]
    insert_history(made)
    record(made)
    return made


def document_of(tmp_path, *arguments):
    """The figures inside the page that the command writes."""
    path = tmp_path / "report.html"
    call_command("ledger", "report", "--html", str(path), *arguments)
    text = path.read_text()
    (document,) = re.findall(r'<script type="application/json" id="figures">(.*?)</script>', text, re.DOTALL)
    return json.loads(document)


def days_of(bodies):
    days = sorted({day_of(body) for body in bodies})
    return ["--from", str(days[0]), "--to", str(days[-1])]


def test_the_figures_are_those_of_both_stores(bodies, tmp_path):
    read = document_of(tmp_path, *days_of(bodies))
    days = sorted({day_of(body) for body in bodies})

    first, last = (str(day) for day in (days[0], days[-1]))
    told = {(row["day"], row["currency"]): row for row in read["money"]}
    assert (told[first, "GBP"]["captured_minor"], told[first, "GBP"]["captures"]) == (10_000, 1)
    assert (told[first, "GBP"]["refunded_minor"], told[first, "GBP"]["refunds"]) == (2_800, 2)
    assert told[first, "EUR"]["captured_minor"] == 777
    assert told[last, "GBP"]["captured_minor"] == 40

    rows = [row for day in days for row in in_cassandra(day)]
    captures = [row for row in rows if row["event_type"] == "payments.payment.captured.v1"]
    assert sum(row["captured_minor"] for row in read["money"]) == sum(row["amount_minor"] for row in captures)
    events = PaymentEvent.objects.filter(booking_day__gte=days[0], booking_day__lte=days[-1]).count()
    assert sum(row["events"] for row in read["money"]) == len(rows) == events == 5

    moved = {}
    for row in rows:
        for account, amount in row["postings"].items():
            key = account, row["currency"]
            moved[key] = moved.get(key, 0) + amount
    within = {
        (row["account"], row["currency"]): row["debits_minor"] + row["credits_minor"]
        for row in read["accounts"]
        if row["debits_minor"] or row["credits_minor"]
    }
    assert within == moved
    for currency in ("GBP", "EUR"):
        assert sum(row["closing_minor"] for row in read["accounts"] if row["currency"] == currency) == 0


def in_cassandra(day):
    columns = ("event_type", "amount_minor", "currency", "postings")
    cql = EVENTS_BY_DAY.select_cql(columns=columns, where=EVENTS_BY_DAY.partition_condition())
    return [
        row
        for payment_type in ("wallet", "credit")
        for bucket in range(4)
        for row in session.lookup(cql, [day, payment_type, bucket])
    ]


def test_freshness_is_the_time_from_booking_to_recording(tmp_path):
    (body,) = history_of_payment(events=1, booked_at=own_noon())
    insert_history([body], inserted_seconds_ago=90)
    waiting = document_of(tmp_path, *days_of([body]))
    record([body])

    read = document_of(tmp_path, *days_of([body]))
    (lag,) = read["lags"]
    assert waiting["unrecorded"] == 1
    assert waiting["lags"] == []
    assert read["unrecorded"] == 0
    assert 90_000 <= lag["p50_ms"] == lag["max_ms"] < 150_000


def test_a_sealed_day_and_one_that_differed_are_told(bodies, tmp_path):
    days = sorted({day_of(body) for body in bodies})
    insert = (
        "INSERT INTO ledger_seals (booking_day, payment_type, bucket, seal_version, event_count, matched, seal_no) "
        "VALUES (?, 'wallet', 0, 1, 4, ?, ?)"
    )
    try:
        for number, day in enumerate(days):
            session.lookup(insert, [day, number == 0, number + 1])
        read = document_of(tmp_path, *days_of(bodies))
    finally:
        for day in days:
            session.lookup("DELETE FROM ledger_seals WHERE booking_day = ?", [day])

    verdicts = [day["verdict"] for day in read["agreement"]]
    assert (verdicts[0], verdicts[-1]) == ("sealed", "differs")


def test_a_kept_verification_is_told_and_what_it_found(bodies, tmp_path):
    days = sorted({day_of(body) for body in bodies})
    results.verify_and_keep(first_day=days[0], last_day=days[-1])
    agreed = document_of(tmp_path, *days_of(bodies))["agreement"]
    set_amount(bodies[0], 1)
    try:
        results.verify_and_keep(first_day=days[0], last_day=days[-1])
    finally:
        set_amount(bodies[0], bodies[0]["amount_minor"])
    differs = document_of(tmp_path, *days_of(bodies))["agreement"]

    assert {day["verdict"] for day in agreed} == {"agrees"}
    assert [day["verdict"] for day in differs] == ["differs", *["agrees"] * (len(differs) - 1)]


def set_amount(body, amount_minor):
    """By hand: at the time of now, later than the booking."""
    cql = "UPDATE payment_events SET amount_minor = ? WHERE order_id = ? AND payment_id = ? AND seq = ?"
    session.lookup(cql, [amount_minor, UUID(body["order_id"]), UUID(body["payment_id"]), body["seq"]])


def test_without_days_the_newest_month_is_told(tmp_path):
    read = document_of(tmp_path)

    newest = PaymentEvent.objects.order_by("-booking_day").values_list("booking_day", flat=True)[0]
    assert read["last_day"] == str(newest)
    assert read["first_day"] == str(newest - timedelta(days=30))


def test_a_file_that_cannot_be_written_is_named_and_exits_2(tmp_path):
    with pytest.raises(CommandError, match="Name a file in a folder that exists") as refusal:
        call_command("ledger", "report", "--html", str(tmp_path / "nowhere" / "report.html"))

    assert refusal.value.returncode == 2
