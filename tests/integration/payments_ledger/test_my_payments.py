"""My payments by month: newest first, in pages that neither lose nor repeat a payment, within and across months."""

import base64
import uuid
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from rest_framework.test import APIRequestFactory, force_authenticate

from core.accounts.models import User
from payments_ledger import session
from payments_ledger.api.views import PaymentListView
from tests.factories.ledger_events import decide, insert_history, life_of_payment, record

# Three months with a gap between them; several payments of the middle one began in the same millisecond.
SAME_MILLISECOND = datetime(1970, 10, 15, 12, 0, 0, 123000, tzinfo=UTC)
BEGAN = [
    datetime(1970, 8, 31, 23, 59, 59, 999999, tzinfo=UTC),
    datetime(1970, 10, 1, tzinfo=UTC),
    *(SAME_MILLISECOND + timedelta(microseconds=number) for number in range(5)),
    datetime(1970, 10, 31, 23, 59, 59, 999000, tzinfo=UTC),
    datetime(1970, 11, 1, tzinfo=UTC),
    datetime(1970, 11, 2, tzinfo=UTC),
]


def member(**fields):
    return User.objects.create(email=f"{uuid.uuid4().hex}@example.org", password="!", **fields)


@pytest.fixture(scope="module")
def buyer():
    user = member()
    lives = [life_of_payment(("payment.captured", 700), booked_at=began, user_id=str(user.id)) for began in BEGAN]
    for bodies in lives:
        decide(bodies)
    everything = [body for bodies in lives for body in bodies]
    insert_history(everything)
    record(everything)
    return user


def ask(user, query=""):
    request = APIRequestFactory().get(f"/api/v1/ledger/payments{query}")
    force_authenticate(request, user)
    return PaymentListView.as_view()(request)


def follow(user, link):
    return ask(user, link[link.index("?") :]).data


def pages(user, query):
    """Every page from the first on."""
    page = ask(user, query).data
    found = [page]
    while page["next"]:
        page = follow(user, page["next"])
        found.append(page)
    return found


def ids(*pages):
    return [payment["payment_id"] for page in pages for payment in page["data"]]


def test_payments_of_all_months_come_newest_first(buyer):
    page = ask(buyer).data

    moments = [payment["created_at"] for payment in page["data"]]
    assert len(moments) == len(BEGAN)
    assert all(later >= earlier for later, earlier in pairwise(moments))
    assert (page["next"], page["previous"], page["has_more"]) == (None, None, False)
    assert page["data"][0]["captured"] == {"amount_minor": 700, "currency": "GBP"}
    assert (page["data"][0]["status"], page["data"][0]["version"]) == ("captured", 1)


@pytest.mark.parametrize(
    ("month", "payments"), [("1970-08", 1), ("1970-09", 0), ("1970-10", 7), ("1970-11", 2), ("2026-11", 0)]
)
def test_a_month_has_its_own_payments(buyer, month, payments):
    page = ask(buyer, f"?month={month}").data

    assert len(page["data"]) == payments
    assert {payment["created_at"][:7] for payment in page["data"]} <= {month}


@pytest.mark.parametrize("query", ["?", "?month=1970-10&"])
@pytest.mark.parametrize("limit", [1, 2, 3, 4, 7, 100])
def test_pages_follow_each_other_and_lead_back(buyer, query, limit):
    expected = ids(ask(buyer, f"{query}limit=100").data)

    forth = pages(buyer, f"{query}limit={limit}")

    assert ids(*forth) == expected
    assert [page["has_more"] for page in forth] == [True] * (len(forth) - 1) + [False]
    assert all(len(page["data"]) == limit for page in forth[:-1])
    page, back = forth[-1], [forth[-1]]
    while page["previous"]:
        page = follow(buyer, page["previous"])
        back.insert(0, page)
    assert ids(*back) == expected
    assert back[0]["next"] is None or follow(buyer, back[0]["next"])["data"] == back[1]["data"]


def test_a_page_stays_where_it_was_when_a_payment_is_added(buyer):
    first = ask(buyer, "?limit=3").data
    second = follow(buyer, first["next"])
    newer = life_of_payment(
        ("payment.captured", 700), booked_at=datetime(1970, 11, 3, tzinfo=UTC), user_id=str(buyer.id)
    )
    decide(newer)
    insert_history(newer)
    record(newer)

    again = follow(buyer, first["next"])

    assert again["data"] == second["data"]
    before = follow(buyer, first["previous"]) if first["previous"] else ask(buyer, "?limit=1").data
    assert ids(before) == [newer[0]["payment_id"]]


def test_staff_may_ask_for_anybodys_and_others_only_for_their_own(buyer):
    stranger, staff = member(), member(is_staff=True)

    assert ids(ask(staff, f"?user_id={buyer.id}&month=1970-08").data) == ids(ask(buyer, "?month=1970-08").data)
    assert ids(ask(buyer, f"?user_id={buyer.id}&month=1970-08").data) != []
    assert ask(stranger).data["data"] == ask(staff).data["data"] == []
    anothers, nobodys = ask(stranger, f"?user_id={buyer.id}"), ask(stranger, f"?user_id={uuid.uuid4()}")
    assert (anothers.status_code, nobodys.status_code) == (404, 404)


def test_a_cursor_of_anothers_list_opens_nothing_of_it(buyer):
    link = ask(buyer, "?limit=1").data["next"]

    assert follow(member(), link)["data"] == []


@pytest.mark.parametrize(
    ("query", "attr", "named"),
    [
        ("month=2026-13", "month", "A month, like 2026-11."),
        ("month=2026-1", "month", "A month, like 2026-11."),
        ("month=202611", "month", "A month, like 2026-11."),
        ("month=november", "month", "A month, like 2026-11."),
        ("user_id=7", "user_id", "Must be a valid UUID."),
        ("limit=0", "limit", "A whole number from 1 to 100."),
        ("limit=many", "limit", "A whole number from 1 to 100."),
        ("cursor=x", "cursor", "Take it from `next` or `previous` of another page, unchanged."),
        ("cursor=%ff", "cursor", "Take it from `next` or `previous` of another page, unchanged."),
    ],
)
def test_a_value_that_is_not_allowed_is_refused_by_name(buyer, query, attr, named):
    answer = ask(buyer, f"?{query}")

    assert (answer.status_code, answer.data["code"]) == (400, "invalid")
    assert [(error["attr"], error["detail"]) for error in answer.data["errors"]] == [(attr, named)]


@pytest.mark.parametrize(
    "text",
    [
        "next:0",
        "next:-1:00000000-0000-0000-0000-000000000000",
        "next:999999999999999:00000000-0000-0000-0000-000000000000",
        "sideways:0:00000000-0000-0000-0000-000000000000",
        "next:0:00000000-0000-0000-0000-00000000000g",
        "next:\uff11:00000000-0000-0000-0000-000000000000",
        "next:0:00000000-0000-0000-0000-000000000000\n",
    ],
)
def test_a_cursor_nobody_gave_out_is_refused(buyer, text):
    cursor = base64.urlsafe_b64encode(text.encode()).decode()

    answer = ask(buyer, f"?cursor={cursor}")

    assert (answer.status_code, [error["attr"] for error in answer.data["errors"]]) == (400, ["cursor"])


def test_a_page_has_a_hundred_payments_at_most():
    user, began = member(), datetime(1970, 7, 1, tzinfo=UTC)
    lives = [
        life_of_payment(("payment.captured", 5), booked_at=began + timedelta(minutes=number), user_id=str(user.id))
        for number in range(101)
    ]
    for bodies in lives:
        decide(bodies)
    everything = [body for bodies in lives for body in bodies]
    insert_history(everything)
    record(everything)

    first, last = pages(user, "?limit=1000")

    assert (len(first["data"]), len(last["data"])) == (100, 1)
    assert len(set(ids(first, last))) == 101


def test_while_cassandra_is_away_the_answer_is_503(buyer, settings):
    session.close()
    settings.LEDGER = {**settings.LEDGER, "PORT": 1}
    try:
        answer = ask(buyer)
    finally:
        session.close()

    assert (answer.status_code, answer.data["code"]) == (503, "ledger_unavailable")
