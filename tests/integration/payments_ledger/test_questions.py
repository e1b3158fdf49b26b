"""The standard questions: right by hand, the same from day files and PostgreSQL, and asked at the command line."""

import json
import random
from datetime import date, timedelta
from uuid import UUID

import pytest
from django.core.management import CommandError

from payments_ledger import session
from payments_ledger.analytics import books, day_files
from payments_ledger.analytics.questions import questions
from payments_ledger.tables import EVENTS_BY_DAY
from tests.factories.ledger_events import day_of, insert_history, own_noon, record
from tests.factories.ledger_story import story
from tests.ledger_command import printed_by_ledger

ADA, BOB = UUID(int=0xADA), UUID(int=0xB0B)


@pytest.fixture(scope="module")
def shop(_open_database, tmp_path_factory):
    """Two days of which every total is known, exported; and the folder they are in."""
    first, second = own_noon(), own_noon()
    while first.month != second.month:
        first, second = second, own_noon()
    bodies = [
        *story(
            [("created", 1000), ("authorized", 1000), ("captured", 1000), ("refunded", 300)],
            begins=first, seconds=2, user_id=ADA, region="France",
        ),
        *story([("created", 400), ("failed", 400)], begins=first, user_id=BOB),
        *story(
            [("created", 500), ("authorized", 500), ("captured", 500), ("disputed", 500), ("dispute lost", 500)],
            begins=first, seconds=10, user_id=BOB, region="France",
        ),
        *story([("captured", 700), ("disputed", 700), ("dispute won", 700)], begins=second, region="Brazil"),
        *story([("captured", 250), ("disputed", 200)], begins=second, region="Brazil", user_id=ADA),
        *story([("deposited", 5000)], begins=first, payment_type="deposit", provider="simulator"),
        *story([("paid", 1200), ("refund declined", 1200)], begins=second, payment_type="wallet", user_id=ADA),
        *story([("issued", 900)], begins=first, payment_type="voucher_issue"),
        *story([("redeemed", 150)], begins=second, payment_type="voucher", user_id=BOB, region="France"),
        *story([("credited", -77)], begins=second, payment_type="credit", currency="BRL"),
        *story([("written off", -4000)], begins=second, payment_type="adjustment", region="France"),
    ]  # fmt: skip
    insert_history(bodies)
    record(bodies)
    folder = tmp_path_factory.mktemp("export")
    days = sorted({day_of(body) for body in bodies})
    printed_by_ledger("export", "--unsealed", "--processes", 1, "--folder", folder, "--from", days[0], "--to", days[-1])
    return folder, days[0], days[-1]


def both_answers(name, shop):
    folder, first_day, last_day = shop
    asked = questions()[name]
    of_files = day_files.ask(asked, folder, first_day=first_day, last_day=last_day)
    of_books = books.ask(asked, first_day=first_day, last_day=last_day)
    assert of_files.columns == of_books.columns
    # Engines sort texts by their own rules.
    return sorted(map(as_text, of_files.rows)), sorted(map(as_text, of_books.rows)), of_files


def as_text(row):
    return tuple(str(value) for value in row)


def test_there_are_at_least_twelve():
    assert len(questions()) >= 12


@pytest.mark.parametrize("name", questions())
def test_day_files_and_postgresql_give_the_same_answer(shop, name):
    of_files, of_books, answer = both_answers(name, shop)

    assert of_files == of_books
    assert len(of_files) > 0
    for row in answer.rows:
        assert {type(value) for value in row} <= {int, str, date, type(None)}


def expected(first, second):
    """Question → its rows, worked out by hand from the story above."""
    month = first.year * 100 + first.month
    return {
        "revenue_by_day": [
            (first, "GBP", 1500, 300, 500, 0, 700),
            (second, "BRL", 0, 77, 0, 0, -77),
            (second, "GBP", 2300, 0, 4200, 0, -1900),
        ],
        "revenue_by_month": [(month, "BRL", 0, 77, 0, 0, -77), (month, "GBP", 3800, 300, 4700, 0, -1200)],
        "revenue_by_country": [
            ("Brazil", "GBP", 950, 0, 200, 0, 750),
            ("France", "GBP", 1650, 300, 4500, 0, -3150),
            ("GB", "BRL", 0, 77, 0, 0, -77),
            ("GB", "GBP", 1200, 0, 0, 0, 1200),
        ],
        "revenue_by_method": [
            ("adjustment", "GBP", 0, 0, 4000, 0, -4000),
            ("card", "GBP", 2450, 300, 700, 0, 1450),
            ("credit", "BRL", 0, 77, 0, 0, -77),
            ("voucher", "GBP", 150, 0, 0, 0, 150),
            ("wallet", "GBP", 1200, 0, 0, 0, 1200),
        ],
        "refund_rate": [(month, "BRL", 0, 1, 0, 77, None), (month, "GBP", 6, 1, 3800, 300, 789)],
        "authorization_rate": [("simulator", "card", 3, 3, 2, 1, 6667)],
        "time_to_capture": [("card", 4, 0, 20_000, 20_000), ("voucher", 1, 0, 0, 0), ("wallet", 1, 0, 0, 0)],
        "disputes": [("simulator", "GBP", 3, 1, 1, 1400, 500, 200)],
        "unsettled_balance": [("simulator", "GBP", 5000 + 1000 - 300 + 500 - 500 + 700 + 50)],
        "average_order_value": [(month, "GBP", 6, 3800, 633)],
        "failed_payments": [
            ("payments.payment.failed.v1", "simulator", "card", "failed", "GBP", 1, 400),
            ("payments.refund.failed.v1", "", "wallet", "captured", "GBP", 1, 1200),
        ],
        "stored_value_liability": [("voucher_liability", "GBP", 750), ("wallet_liability", "GBP", 3800)],
    }


def test_answers_are_what_a_person_works_out(shop):
    folder, first, last = shop

    for name, rows in expected(first, last).items():
        answer = day_files.ask(questions()[name], folder, first_day=first, last_day=last)
        assert sorted(answer.rows, key=str) == sorted(rows, key=str), name


def test_top_customers_are_placed_within_their_currency(shop):
    folder, first, last = shop

    answer = day_files.ask(questions()["top_customers"], folder, first_day=first, last_day=last)

    in_pounds = [row[1:] for row in answer.rows if row[0] == "GBP"]
    assert in_pounds[0] == (1, str(ADA), 3, 1000 - 300 + 250 - 200 + 1200)
    assert (3, str(BOB), 2, 150) in in_pounds
    assert [row[0] for row in in_pounds] == list(range(1, len(in_pounds) + 1))


def test_stores_that_differ_give_answers_that_differ(shop, tmp_path):
    _, first, last = shop
    cql = EVENTS_BY_DAY.select_cql(where=EVENTS_BY_DAY.partition_condition())
    (row,) = (
        row
        for bucket in range(4)
        for row in session.lookup(cql, [first, "card", bucket])
        if row["event_type"] == "payments.refund.succeeded.v1"
    )
    set_postings(row, {"refunds": 301, "psp_clearing:simulator": -301})
    try:
        printed_by_ledger("export", "--unsealed", "--processes", 1, "--folder", tmp_path, "--from", first, "--to", last)
    finally:
        set_postings(row, row["postings"])

    for name in ("revenue_by_day", "unsettled_balance", "top_customers"):
        of_files, of_books, _ = both_answers(name, (tmp_path, first, last))
        assert of_files != of_books, name


def set_postings(row, postings):
    cql = f"UPDATE events_by_day SET postings = ? WHERE {EVENTS_BY_DAY.key_condition()}"
    session.lookup(cql, [dict(postings), *(row[name] for name in EVENTS_BY_DAY.key)])


def test_any_days_give_the_same_answers(tmp_path):
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    dice = random.Random(seed)
    lives = [
        (("created", "authorized", "captured", "refunded", "refunded"), ("card", "boleto")),
        (("created", "failed"), ("card", "boleto")),
        (("captured", "disputed", "dispute lost"), ("card",)),
        (("captured", "disputed", "dispute won", "disputed"), ("card",)),
        (("paid", "refund declined"), ("wallet",)),
        (("issued",), ("voucher_issue",)),
        (("sold",), ("imported",)),
        (("credited",), ("credit",)),
        (("corrected",), ("adjustment",)),
    ]
    users = [UUID(int=dice.getrandbits(128), version=4) for _ in range(15)]
    noons = [own_noon() for _ in range(3)]
    bodies = []
    for _ in range(150):
        life, types = dice.choice(lives)
        bodies += story(
            [(step, dice.randrange(1, 10**12)) for step in life[: dice.randrange(1, len(life) + 1)]],
            begins=dice.choice(noons) + timedelta(milliseconds=dice.randrange(3_600_000)),
            seconds=dice.randrange(1, 300),
            payment_type=dice.choice(types),
            user_id=dice.choice(users),
            region=dice.choice(["France", "Brazil", "EIRE", "Réunion", ""]),
            currency=dice.choice(["GBP", "BRL", "JPY"]),
        )
    insert_history(bodies)
    record(bodies)
    first, last = noons[0].date(), noons[-1].date()
    printed_by_ledger("export", "--unsealed", "--processes", 1, "--folder", tmp_path, "--from", first, "--to", last)

    for name in questions():
        of_files, of_books, _ = both_answers(name, (tmp_path, first, last))
        assert of_files == of_books, name


def test_ask_lists_the_questions_and_answers_one(shop):
    folder, first, last = shop
    days = ("--folder", folder, "--from", first, "--to", last)

    listed = printed_by_ledger("ask")
    shown = printed_by_ledger("ask", "stored_value_liability", *days)
    written = printed_by_ledger("ask", "stored_value_liability", *days, "--csv")
    said = json.loads(printed_by_ledger("ask", "stored_value_liability", *days, "--json"))

    assert all(name in listed for name in questions())
    assert "wallet_liability   GBP             3800" in shown
    assert shown.splitlines()[-1] == f"from 2 days, {first} to {last}, 2 of them not sealed when exported"
    assert written.splitlines() == [
        "account,currency,owed_minor", "voucher_liability,GBP,750", "wallet_liability,GBP,3800",
    ]  # fmt: skip
    assert said["rows"][1] == {"account": "wallet_liability", "currency": "GBP", "owed_minor": 3800}
    assert said["unsealed_days"] == [str(first), str(last)]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("revenue_by_moon",), "there is no question 'revenue_by_moon'; there are authorization_rate,"),
        (("disputes", "--day", "1969-01-01"), "has no day of these; run `manage.py ledger export`"),
    ],
)
def test_what_cannot_be_answered_says_what_to_do(shop, arguments, sentence):
    with pytest.raises(CommandError, match=sentence) as refused:
        printed_by_ledger("ask", *arguments, "--folder", shop[0])

    assert refused.value.returncode == 2


def test_damaged_day_file_is_named(shop, tmp_path):
    damaged = tmp_path / "events" / "booking_day=2001-01-01"
    damaged.mkdir(parents=True)
    (damaged / "part-0.parquet").write_bytes(b"PAR1 and no more")

    with pytest.raises(CommandError, match=r"the files of 2001-01-01 in .* are damaged"):
        printed_by_ledger("ask", "disputes", "--folder", tmp_path)
