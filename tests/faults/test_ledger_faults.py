"""The thirteen ways in which the two stores can come to differ, each brought about and each found to the last key.

Every class is verified deep and quick, then repaired in one pass: a second writes nothing, and the stores agree again.
Class 12 (a node down) is also in test_outages.py and class 13 (failover) in test_standby.py: they verify at their end.
"""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings

from core.payments.selectors.payments import recorded_seqs
from deploy.local.postgres import node_of
from deploy.local.postgres_roles import superuser_session
from payments_ledger import session, writing
from payments_ledger.errors import BodyUnreadable, LedgerUnavailable
from payments_ledger.reconciliation.repair import Target, repair
from payments_ledger.reconciliation.report import Kind
from payments_ledger.reconciliation.verify import verify
from payments_ledger.sink import LedgerProjection
from tests.factories.ledger_events import (
    Message,
    day_of,
    fields,
    insert_history,
    own_noon,
    record,
    until_cassandra_answers,
)
from tests.ledger_day import Day, by_hand, found, keys_in
from tests.storefront import Storefront

RECORD, ENTRY, STATE, MONTH, REFERENCE = (
    "payment_events",
    "events_by_day",
    "payments_by_id",
    "payments_by_user_month",
    "payments_by_provider_ref",
)
EVENTS = (RECORD, ENTRY)
LATEST = (STATE, MONTH)
HOUR_US = 3_600_000_000


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


def a_message_is_lost(day):
    # The last of its payment, so that no later one shows the gap.
    record(day.bodies[:1] + day.bodies[2:])
    return [*keys_in(Kind.MISSING, EVENTS, day.bodies[1]), *keys_in(Kind.STALE, LATEST, day.bodies[1])]


def messages_come_a_hundred_times(day):
    record(day.bodies)
    for _ in range(99):
        record(day.bodies[:3])
    return []


def messages_come_in_another_order(day):
    for body in reversed(day.bodies):
        record([body])
    return []


def a_body_is_poison_on_its_way(day):
    record(day.bodies[:10])
    poison = Message(key=day.bodies[11]["payment_id"], seq=2, value=b'{"amount_minor":')
    with pytest.raises(BodyUnreadable):
        LedgerProjection().project([poison])
    # Its payment is parked, with the event before it in the same batch.
    return [*keys_in(Kind.MISSING, EVENTS, *day.bodies[10:]), *keys_in(Kind.MISSING, LATEST, day.bodies[11])]


def a_cell_is_changed(day):
    record(day.bodies)
    day.change(ENTRY, day.bodies[4], "amount_minor", 1)
    return keys_in(Kind.DIFFERENT, [ENTRY], day.bodies[4])


def a_row_is_deleted(day):
    record(day.bodies)
    day.delete(RECORD, day.bodies[6])
    return keys_in(Kind.MISSING, [RECORD], day.bodies[6])


def a_bucket_is_emptied(day):
    record(day.bodies)
    block = block_of(day, day.bodies[0])
    by_hand("DELETE FROM events_by_day WHERE booking_day = ? AND payment_type = ? AND bucket = ?", block)
    return keys_in(Kind.MISSING, [ENTRY], *(body for body in day.bodies if block_of(day, body) == block))


def a_refund_is_only_in_postgresql(day):
    record(day.bodies)
    paid = day.bodies[3]
    refund = fields(
        **{name: paid[name] for name in ("order_id", "user_id", "payment_created_at", "bucket", "payment_type")},
        payment_id=UUID(paid["payment_id"]),
        seq=3,
        booked_at=datetime.fromisoformat(paid["booked_at"]) + timedelta(minutes=1),
        event_type="payments.refund.succeeded.v1",
        amount_minor=100,
        postings={"wallet_liability": 100, "refunds": -100},
    )
    insert_history([refund], inserted_seconds_ago=61)
    day.bodies += [refund]
    return [*keys_in(Kind.MISSING, EVENTS, refund), *keys_in(Kind.STALE, LATEST, refund)]


def the_bucket_count_changes_mid_day(day):
    """A consumer that counts buckets itself writes one event a second time, into another partition."""
    record(day.bodies)
    moved = day.bodies[2]
    day.delete(ENTRY, moved)
    day.insert(ENTRY, moved, bucket=moved["bucket"] + 64)
    return [*keys_in(Kind.MISSING, [ENTRY], moved), *keys_in(Kind.EXTRA, [ENTRY], moved)]


def a_clock_is_an_hour_fast(day):
    """What was written with it wins over the newer state that comes after it."""
    early = [replace(day.rows(day.bodies[0]), write_timestamp_us=day.rows(day.bodies[0]).write_timestamp_us + HOUR_US)]
    writing.write(early)
    record(day.bodies)
    return keys_in(Kind.STALE, LATEST, day.bodies[1])


def a_clock_is_an_hour_slow(day):
    """What was written with it loses against the older state that was there."""
    record(day.bodies[:1] + day.bodies[2:])
    late = day.rows(day.bodies[1])
    writing.write([replace(late, write_timestamp_us=late.write_timestamp_us - HOUR_US)])
    return keys_in(Kind.STALE, LATEST, day.bodies[1])


def block_of(day, body):
    row = day.row(ENTRY, body)
    return [row["booking_day"], row["payment_type"], row["bucket"]]


@dataclass(frozen=True)
class Fault:
    """One class of ledger.md §4. `is_seen_quick`: the stored hashes of the record and the day table show it too."""

    number: int
    inject: Callable[[Day], list[tuple[Any, ...]]]
    is_seen_quick: bool = True

    def __str__(self) -> str:
        return f"{self.number}-{self.inject.__name__}"


FAULTS = [
    Fault(1, a_message_is_lost),
    Fault(2, messages_come_a_hundred_times),
    Fault(3, messages_come_in_another_order),
    Fault(5, a_body_is_poison_on_its_way),
    Fault(6, a_cell_is_changed),
    Fault(7, a_row_is_deleted),
    Fault(8, a_bucket_is_emptied),
    Fault(9, a_refund_is_only_in_postgresql),
    Fault(10, the_bucket_count_changes_mid_day),
    Fault(11, a_clock_is_an_hour_fast, is_seen_quick=False),
    Fault(11, a_clock_is_an_hour_slow, is_seen_quick=False),
]


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
    insert_history([poison], inserted_seconds_ago=61)
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
