"""Balances as of a moment: what was booked up to it, exactly, and nothing else; all accounts together are zero."""

import json
import uuid
from datetime import datetime, timedelta

import pytest
from django.db import transaction
from rest_framework.test import APIRequestFactory, force_authenticate

from core.accounts.models import User
from core.clock import now
from core.errors import NotFound
from core.payments.selectors import watermark
from payments_ledger.api.balance_views import AccountBalanceView, TrialBalanceView
from payments_ledger.models import DaySums
from payments_ledger.selectors.balances import balance_of, trial_balance
from tests.factories.ledger_events import insert_history, life_of_payment, own_noon, record
from tests.ledger_command import at_the_command_line, ledger

# A provider of its own, so that its clearing account holds nothing of other tests.
PROVIDER = f"bank{uuid.uuid4().hex[:8]}"
CLEARING = f"psp_clearing:{PROVIDER}"
STEPS = [
    ("payment.created", 1000),
    ("payment.authorized", 1000),
    ("payment.captured", 600),
    ("payment.captured", 400),
    ("refund.requested", 250),
    ("refund.succeeded", 250),
    ("dispute.opened", 300),
    ("dispute.won", 300),
]
# After each of those events.
CLEARED = [0, 0, 600, 1000, 1000, 750, 450, 750]


@pytest.fixture(scope="module")
def bodies():
    made = life_of_payment(*STEPS, payment_type="card", provider=PROVIDER, booked_at=own_noon())
    insert_history(made)
    record(made)
    return made


@pytest.fixture(scope="module")
def staff():
    return User.objects.create(email=f"{uuid.uuid4().hex}@example.org", password="!", is_staff=True)


def moment(body):
    return datetime.fromisoformat(body["booked_at"])


def amounts(found):
    return [(each.account, each.currency, each.amount_minor) for each in found.balances]


@pytest.mark.parametrize("step", range(len(STEPS)))
def test_an_account_is_the_sum_of_what_was_posted_up_to_the_moment(bodies, step):
    at, before = moment(bodies[step]), moment(bodies[step]) - timedelta(microseconds=1)

    def cleared(of):
        return [(CLEARING, "GBP", of)] if step >= 2 else []

    assert amounts(balance_of(CLEARING, at)) == cleared(CLEARED[step])
    earlier = amounts(balance_of(CLEARING, before))
    assert earlier == ([(CLEARING, "GBP", CLEARED[step - 1])] if step > 2 else [])


def test_the_answer_says_up_to_when_and_from_where(bodies):
    past, future = balance_of(CLEARING, moment(bodies[3])), now() + timedelta(days=1)
    earliest = watermark.read()

    later = balance_of(CLEARING, future)

    assert (past.as_of, past.up_to, past.store) == (moment(bodies[3]), moment(bodies[3]), "postgresql")
    assert later.as_of == future
    assert earliest <= later.up_to <= now()


def test_what_may_still_be_joined_by_other_bookings_is_left_out():
    late = life_of_payment(("payment.captured", 5), payment_type="card", provider=f"{PROVIDER}x", booked_at=now())
    insert_history(late)
    try:
        # Not recorded yet, so the watermark stands at its booking.
        unrecorded = balance_of(f"{CLEARING}x", now())
    finally:
        record(late)

    assert (amounts(unrecorded), unrecorded.up_to <= moment(late[0])) == ([], True)
    assert amounts(balance_of(f"{CLEARING}x", now())) == [(f"{CLEARING}x", "GBP", 5)]


def test_all_accounts_together_are_zero(bodies):
    found = trial_balance(now())

    assert found.agrees
    assert (CLEARING, "GBP", 750) in amounts(found)
    assert set(found.totals.values()) == {0}
    assert found.unknown_accounts == []
    parts = {each.account: balance_of(each.account, found.up_to - timedelta(microseconds=1)) for each in found.balances}
    assert [
        (each.account, each.currency, each.amount_minor)
        for each in trial_balance(found.up_to - timedelta(microseconds=1)).balances
    ] == [row for account in sorted(parts) for row in amounts(parts[account])]


def test_books_that_do_not_balance_are_seen_and_the_exit_code_is_1():
    """No event can be unbalanced; the sums of a sealed day are a copy that a hand can reach."""
    began = own_noon()
    with transaction.atomic():
        wrong = {"EUR": {"revenue": -5, "wallet_liability": 6}}
        DaySums.objects.create(booking_day=began.date(), sums=wrong, event_count=1)
        code, output = ledger("balances", "--as-of", (began + timedelta(days=1)).isoformat())
        transaction.set_rollback(True)

    assert code == 1
    assert "THE BOOKS DO NOT BALANCE: 0.01 EUR" in output.splitlines()


def test_an_account_that_the_chart_does_not_have_is_seen_and_the_exit_code_is_1():
    began = own_noon()
    wrong = life_of_payment(
        ("payment.captured", 5), booked_at=began, currency="EUR", postings={"revenue": -5, "pocket": 5}
    )
    with transaction.atomic():
        # Older than the watermark waits for: what is not recorded by then is missing, and counts.
        insert_history(wrong, inserted_seconds_ago=120)
        code, output = ledger("balances", "--as-of", began.isoformat())
        transaction.set_rollback(True)

    assert code == 1
    assert "not in the chart of accounts: pocket" in output.splitlines()


def test_the_command_prints_what_the_api_answers(bodies, staff):
    as_of = moment(bodies[-1]).isoformat()

    code, output = ledger("balances", "--as-of", as_of, "--json")
    answer = ask(TrialBalanceView, staff, {"as_of": as_of}).data

    printed = json.loads(output)
    assert (code, printed["agrees"], printed["store"]) == (0, True, "postgresql")
    assert [
        {"account": each["account"], "amount": {"amount_minor": each["amount_minor"], "currency": each["currency"]}}
        for each in printed["balances"]
    ] == answer["balances"]
    assert {"account": CLEARING, "currency": "GBP", "amount_minor": 750} in printed["balances"]
    assert answer["agrees"]
    assert {total["amount_minor"] for total in answer["totals"]} == {0}


@pytest.mark.parametrize("text", ["yesterday", "2026-11-21T18:00:00", "0001-01-01T00:00:00+14:00"])
def test_a_time_that_is_none_is_no_verdict(text):
    ended = at_the_command_line("balances", "--as-of", text)

    assert ended.returncode == 2
    assert text in ended.stderr


def ask(view, user, query=None, **names):
    request = APIRequestFactory().get("/api/v1/ledger/balances", query)
    force_authenticate(request, user)
    return view.as_view()(request, **names)


def test_staff_reads_an_account_and_nobody_else(bodies, staff):
    user = User.objects.create(email=f"{uuid.uuid4().hex}@example.org", password="!")
    as_of = bodies[-1]["booked_at"]

    answer = ask(AccountBalanceView, staff, {"as_of": as_of}, account=CLEARING).data

    assert answer["balances"] == [{"account": CLEARING, "amount": {"amount_minor": 750, "currency": "GBP"}}]
    assert answer["store"] == "postgresql"
    assert ask(AccountBalanceView, user, account=CLEARING).status_code == 403
    assert ask(TrialBalanceView, user).status_code == 403


def test_an_account_outside_the_chart_is_not_found_and_those_inside_are_named(staff):
    assert ask(AccountBalanceView, staff, account="pocket").status_code == 404
    with pytest.raises(NotFound, match="psp_clearing:<provider>, wallet_liability"):
        balance_of("psp_clearing", now())
    assert balance_of("bad_debt", own_noon()).balances == ()


def test_a_time_without_meaning_is_refused(staff):
    answer = ask(TrialBalanceView, staff, {"as_of": "yesterday"})

    assert (answer.status_code, [error["attr"] for error in answer.data["errors"]]) == (400, ["as_of"])
