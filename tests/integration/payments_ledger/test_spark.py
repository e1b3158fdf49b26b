"""Spark on the real ledger, in local mode: it finds what differs, and nothing where nothing does.

Spark is installed by the first test that wants it (330 MB); when that is not possible the tests fail.
"""

import json
import os
import shlex
import subprocess
import sys
from uuid import UUID, uuid4

import pytest

from deploy.local import spark as installed
from deploy.local.control import Stack
from payments_ledger import session
from payments_ledger.analytics import books
from payments_ledger.analytics.questions import questions
from tests.factories.ledger_events import canonical, day_of, history_of_payment, insert_history, own_noon, record
from tests.factories.ledger_story import story

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def spark():
    """A session as the job has it, kept for every test of this module: its JVM takes seconds to start."""
    installed.ensure_spark()
    layout = Stack.from_env().layout
    environment = installed.environment(layout)
    before = dict(os.environ)
    os.environ.update({name: environment[name] for name in ("SPARK_HOME", "SPARK_LOCAL_IP", "PYSPARK_PYTHON")})
    os.environ["PYSPARK_SUBMIT_ARGS"] = shlex.join([*installed.submit_options(layout), "pyspark-shell"])
    sys.path.append(str(installed.FOLDER))
    try:
        from payments_ledger.analytics.spark.cluster import spark_session

        with spark_session() as opened:
            yield opened
    finally:
        sys.path.remove(str(installed.FOLDER))
        os.environ.clear()
        os.environ.update(before)


def made(count=1):
    """Payments of two events, each with a booking day of its own, in PostgreSQL only, and too old to be waited for."""
    payments = [history_of_payment(events=2, booked_at=own_noon()) for _ in range(count)]
    insert_history([body for payment in payments for body in payment], inserted_seconds_ago=90)
    return payments


def verified(spark, payments):
    from payments_ledger.analytics.spark.verify import verify

    days = sorted(day_of(payment[0]) for payment in payments)
    return verify(spark, first_day=days[0], last_day=days[-1])


def change(body, column, value):
    """By hand: now, later than the booking."""
    cql = f"UPDATE payment_events SET {column} = ? WHERE order_id = ? AND payment_id = ? AND seq = ?"
    session.lookup(cql, [value, UUID(body["order_id"]), UUID(body["payment_id"]), body["seq"]])


def test_what_differs_is_found_in_its_block_and_nothing_once_it_is_mended(spark):
    payments = made(3)
    changed, rewritten, lost = (payment[0] for payment in payments)
    record([*payments[0], *payments[1]])
    text = canonical(rewritten).decode()
    try:
        change(changed, "amount_minor", changed["amount_minor"] + 1)
        change(rewritten, "body", text.replace("GBP", "USD"))
        report = verified(spark, payments)
    finally:
        change(changed, "amount_minor", changed["amount_minor"])
        change(rewritten, "body", text)
        record(payments[2])

    assert not report.agrees
    found = {(one.table, one.block.booking_day): one for one in report.unequal}
    assert set(found) == {
        ("payment_events", day_of(changed)),
        ("payment_events", day_of(rewritten)),
        ("payment_events", day_of(lost)),
        ("events_by_day", day_of(lost)),
    }
    assert [one.is_hash_broken for one in report.unequal].count(True) == 1
    assert found["payment_events", day_of(rewritten)].is_hash_broken
    missing = found["events_by_day", day_of(lost)]
    assert (missing.expected_rows, missing.found_rows) == (2, 0)
    assert f"booking_day={day_of(lost)} payment_type=wallet bucket={lost['bucket']}" in missing.sentence()

    mended = verified(spark, payments)
    assert mended.lines()[-1] == "the stores agree"
    assert mended.rows == {"postgresql": 6, "payment_events": 6, "events_by_day": 6}
    assert mended.blocks == 3


def lives():
    """Something for every question to count: cards with a refund and a dispute, a wallet, a voucher, a deposit."""
    first, second = own_noon(), own_noon()
    buyer = uuid4()
    return [
        *story(
            [("created", 1000), ("authorized", 1000), ("captured", 1000), ("refunded", 300)],
            begins=first,
            seconds=2,
            user_id=buyer,
            region="France",
        ),
        *story([("created", 400), ("failed", 400)], begins=first),
        *story([("captured", 700), ("disputed", 700), ("dispute won", 700)], begins=second, region="Brazil"),
        *story([("captured", 250), ("disputed", 200)], begins=second, region="Brazil", user_id=buyer),
        *story([("deposited", 5000)], begins=first, payment_type="deposit", provider="simulator"),
        *story([("paid", 1200)], begins=second, payment_type="wallet", user_id=buyer),
        *story([("issued", 900)], begins=first, payment_type="voucher_issue"),
        *story([("credited", -77)], begins=second, payment_type="credit", currency="BRL"),
    ]


def test_every_standard_question_has_the_answer_that_postgresql_gives(spark):
    from payments_ledger.analytics.spark.answers import days

    bodies = lives()
    insert_history(bodies)
    record(bodies)
    first_day, last_day = min(map(day_of, bodies)), max(map(day_of, bodies))

    with days(spark, first_day=first_day, last_day=last_day) as held:
        answers = {name: held.ask(asked) for name, asked in questions().items()}

    assert len(answers) >= 12
    for name, answer in answers.items():
        of_books = books.ask(questions()[name], first_day=first_day, last_day=last_day)
        assert answer.columns == of_books.columns
        # Engines sort texts by their own rules.
        assert sorted(answer.rows, key=str) == sorted(of_books.rows, key=str), name
        assert answer.rows, name


@pytest.mark.full
def test_the_job_runs_under_spark_submit(spark):
    payments = made()
    day = str(day_of(payments[0][0]))

    differs = submitted("verify", "--day", day)
    record(payments[0])
    agrees = submitted("verify", "--day", day, "--json")
    asked = submitted("ask", "revenue_by_day", "--day", day, "--json")
    refused = submitted("verify", "--day", "yesterday")
    unheard_of = submitted("ask", "the_weather")

    assert differs.returncode == 1, differs.stderr
    assert differs.stdout.splitlines()[-1] == "THE STORES DIFFER in 2 blocks"
    assert agrees.returncode == 0, agrees.stderr
    assert json.loads(agrees.stdout)["rows"] == {"postgresql": 2, "payment_events": 2, "events_by_day": 2}
    (revenue,) = json.loads(asked.stdout)["answers"]
    assert [(row["day"], row["sales_minor"]) for row in revenue["rows"]] == [(day, 2500)]
    assert refused.returncode == unheard_of.returncode == 2
    # Spark's launcher joins the job's two outputs.
    assert "there is no question 'the_weather'" in unheard_of.stdout


def submitted(*arguments):
    layout = Stack.from_env().layout
    return subprocess.run(
        installed.submit_command(layout, arguments),
        env=installed.environment(layout),
        capture_output=True,
        text=True,
        timeout=240,
    )
