"""An event that is booked around a repair of its payment ends as the latest state, whoever comes first."""

import threading
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.db import connection, transaction

from core.payments.selectors.payments import recorded_seqs
from payments_ledger.reconciliation import mending
from payments_ledger.reconciliation.repair import Target, repair
from payments_ledger.selectors.payments import payment_state
from tests.factories.ledger_damage import by_hand
from tests.factories.ledger_events import fields, history_of_payment, insert_history, record


class OpenCapture:
    """A third event of a payment, booked in a transaction that stays open for a while and is then recorded."""

    def __init__(self, earlier):
        self._earlier = earlier
        self._is_booked = threading.Event()
        self._may_commit = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        assert self._is_booked.wait(10)

    def _run(self):
        try:
            with transaction.atomic():
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_current_xact_id(), clock_timestamp()")
                    _, booked_at = cursor.fetchone()
                self.body = next_event(self._earlier, booked_at)
                insert_history([self.body])
                self._is_booked.set()
                assert self._may_commit.wait(10)
        finally:
            connection.close()

    def commit(self):
        self._may_commit.set()
        self._thread.join()


def next_event(body, booked_at):
    return {
        **body,
        **fields(
            payment_id=UUID(body["payment_id"]),
            seq=body["seq"] + 1,
            booked_at=booked_at,
            order_id=body["order_id"],
            user_id=body["user_id"],
            payment_created_at=body["payment_created_at"],
            status_after="partially_refunded",
        ),
    }


@pytest.fixture
def payment():
    """Two events of one payment, booked a minute ago."""
    bodies = history_of_payment(events=2, booked_at=datetime.now(UTC) - timedelta(minutes=1))
    insert_history(bodies)
    record(bodies)
    return bodies


def mend_payment(bodies):
    return repair(
        target=Target(payment_id=UUID(bodies[0]["payment_id"])),
        who="a tester",
        why="a test",
        rows_per_second=1000,
        is_dry_run=False,
    )


def delete_state(body):
    by_hand("DELETE FROM payments_by_id WHERE payment_id = ?", [UUID(body["payment_id"])])


def version(body):
    return payment_state(UUID(body["payment_id"]))["version"]


def test_an_event_booked_before_the_repair_and_committed_during_it_ends_as_the_latest_state(payment):
    delete_state(payment[1])
    rival = OpenCapture(payment[1])
    threading.Timer(0.5, rival.commit).start()

    outcome = mend_payment(payment)
    record([rival.body])

    assert outcome.agrees
    assert version(rival.body) == 3
    assert recorded_seqs([UUID(rival.body["payment_id"])]) == {UUID(rival.body["payment_id"]): 3}


def test_without_waiting_for_open_transactions_that_event_would_be_lost_from_the_latest_state(payment, monkeypatch):
    delete_state(payment[1])
    rival = OpenCapture(payment[1])
    with monkeypatch.context() as careless:
        careless.setattr(mending, "_barrier", mending._primary_now)
        mend_payment(payment)
    rival.commit()

    record([rival.body])
    lost = version(rival.body)
    mend_payment(payment)

    assert lost == 2
    assert version(rival.body) == 3


def test_an_event_booked_after_the_repair_overwrites_it_as_usual(payment):
    delete_state(payment[1])
    mend_payment(payment)
    later = next_event(payment[1], datetime.now(UTC))
    insert_history([later])

    record([later])

    assert version(later) == 3


def test_while_a_transaction_stays_open_the_latest_state_is_named_as_not_judged(payment, monkeypatch):
    monkeypatch.setattr(mending, "BARRIER_SECONDS_MAX", 0.1)
    delete_state(payment[1])
    rival = OpenCapture(payment[1])
    try:
        outcome = mend_payment(payment)
    finally:
        rival.commit()
        record([rival.body])

    assert outcome.waiting == {UUID(payment[0]["payment_id"])}
    assert not outcome.agrees
    mend_payment(payment)
    assert version(rival.body) == 3
