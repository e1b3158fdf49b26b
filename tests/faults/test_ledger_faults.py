"""The thirteen ways in which the two stores can come to differ, each brought about and each found to the last key.

Every class is verified deep and quick, then repaired in one pass: a second writes nothing, and the stores agree again.
Class 12 (a node down) is also in test_outages.py and class 13 (failover) in test_standby.py: they verify at their end.
"""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Event
from uuid import UUID

import pytest
from django.conf import settings

from core.payments.selectors.payments import recorded_seqs
from deploy.local.postgres import node_of
from deploy.local.postgres_roles import superuser_session
from payments_ledger import session, writing
from payments_ledger.errors import LedgerUnavailable
from payments_ledger.reconciliation.repair import Target, repair
from payments_ledger.reconciliation.report import Kind
from payments_ledger.reconciliation.verify import verify
from tests.factories.ledger_events import day_of, fields, insert_history, own_noon, record, until_cassandra_answers
from tests.faults.ledger_faults import ENTRY, EVENTS, FAULTS, LATEST, MONTH, RECORD, REFERENCE, STATE
from tests.ledger_day import Day, found, keys_in
from tests.storefront import Storefront


@pytest.fixture(autouse=True, scope="module")
def _cassandra_is_back():
    until_cassandra_answers()


@pytest.fixture
def day():
    """Nothing of it recorded yet; everything as it should be afterwards, whatever the test came to."""
    made = Day(is_recorded=False)
    yield made
    made.mend()


def repaired(day):
    return repair(
        target=Target(first_day=day.date, last_day=day.date),
        who="a test",
        why="a fault that was brought about",
        rows_per_second=10_000,
        is_dry_run=False,
    )


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_a_fault_is_found_to_the_key_and_mended_in_one_pass(day, fault):
    expected = fault.inject(day)

    assert found(day.verify()) == sorted(expected)
    quick = [item for item in expected if item[1] in EVENTS]
    assert found(day.verify(is_deep=False)) == (sorted(quick) if fault.is_seen_quick else [])

    # A row that no event has is never deleted by a repair.
    strays = [item for item in expected if item[0] == Kind.EXTRA]
    outcome = repaired(day)
    assert outcome.rows == Counter(item[1] for item in expected if item not in strays)
    again = repaired(day)
    assert again.rows.total() == 0
    assert again.agrees == (strays == [])
    assert found(day.verify()) == strays


class Killed(BaseException):
    """Stands for SIGKILL: nothing catches it."""


@pytest.mark.parametrize("writes", range(1, 5))
def test_4_a_consumer_killed_between_its_writes_leaves_the_rest_behind(day, monkeypatch, writes):
    interrupted = day.bodies[9]
    record([body for body in day.bodies if body is not interrupted])
    submit, sent = session.submit, []

    def submit_until_killed(statement):
        if len(sent) == writes:
            raise Killed
        sent.append(submit(statement))
        return sent[-1]

    with monkeypatch.context() as process:
        process.setattr(session, "submit", submit_until_killed)
        with pytest.raises(Killed):
            record([interrupted])
    for future in sent:
        future.result()

    # In the order of the sink's writes. Its reference has been there since the payment's first event.
    left = [ENTRY, RECORD, REFERENCE, MONTH, STATE][writes:]
    assert found(day.verify()) == sorted(
        [
            *keys_in(Kind.MISSING, [table for table in left if table in EVENTS], interrupted),
            *keys_in(Kind.STALE, [table for table in left if table in LATEST], interrupted),
        ]
    )


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"postings": {"wallet_liability": 1250, "revenue": -1249}}, Kind.UNBALANCED),
        ({"status_after": ""}, Kind.UNREADABLE),
    ],
)
def test_5_an_event_that_postgresql_itself_holds_wrongly_is_named(stack, changes, kind):
    poison = fields(booked_at=own_noon(), **changes)
    # The table refuses postings that do not balance, so it is the body that says so.
    insert_history([poison], inserted_seconds_ago=61, postings={"wallet_liability": 1250, "revenue": -1250})
    day = day_of(poison)
    try:
        report = verify(first_day=day, last_day=day)
    finally:
        # Only the owner of the servers can: for everybody else the history is append-only.
        with superuser_session(node_of(stack.layout, "primary"), settings.DATABASES["default"]["NAME"]) as cursor:
            cursor.execute("DELETE FROM payments_paymentevent WHERE payment_id = %s", [poison["payment_id"]])

    assert found(report) == keys_in(kind, ["payments_paymentevent"], poison)


def test_10_a_bucket_count_that_the_calendar_changes_is_no_fault():
    """Buckets are frozen into events, so blocks of both counts live side by side on the day."""
    noon = own_noon()
    bodies = [
        fields(booked_at=noon + timedelta(minutes=number), bucket=number * 5 % (4 if number < 8 else 64))
        for number in range(16)
    ]
    insert_history(bodies)
    record(bodies)

    report = verify(first_day=noon.date(), last_day=noon.date())

    assert found(report) == []
    assert report.totals["events_by_day"].count == 16


def test_12_a_write_that_timed_out_after_it_was_applied_changes_nothing_when_written_again(day, monkeypatch):
    applied = writing._await

    def lost_answer(future):
        applied(future)
        raise LedgerUnavailable("the answer was lost")

    with monkeypatch.context() as network:
        network.setattr(writing, "_await", lost_answer)
        with pytest.raises(LedgerUnavailable):
            record(day.bodies)
    payments = {UUID(body["payment_id"]) for body in day.bodies}
    assert recorded_seqs(payments) == {}

    record(day.bodies)

    assert found(day.verify()) == []
    assert recorded_seqs(payments) == dict.fromkeys(payments, 2)


def test_nothing_is_found_while_payments_are_being_made():
    """Alarms that are none would teach people to ignore alarms."""
    shop = Storefront(wallet_minor=1_000_000)
    product = shop.product(price_minor=100, stock=10_000)
    is_over = Event()

    def buy() -> int:
        bought = 0
        while not is_over.is_set():
            assert shop.checkout(shop.order(product)).status_code == 200
            bought += 1
        return bought

    today = datetime.now(UTC).date()
    with ThreadPoolExecutor(2) as pool:
        buyers = [pool.submit(buy) for _ in range(2)]
        try:
            reports = [
                verify(first_day=today - timedelta(days=1), last_day=today, is_deep=bool(number % 2))
                for number in range(6)
            ]
        finally:
            is_over.set()
        bought = sum(buyer.result() for buyer in buyers)

    assert [found(report) for report in reports] == [[]] * 6
    assert bought > 0
    counted = [report.totals["postgresql"].count for report in reports]
    assert counted == sorted(counted)
    assert counted[-1] > counted[0]
