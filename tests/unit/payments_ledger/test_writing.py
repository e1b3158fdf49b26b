"""Which of the driver's errors mean "later" and which mean "never"; and what is written once per batch."""

from datetime import UTC, datetime, timedelta

import pytest
from cassandra import InvalidRequest, OperationTimedOut, Unavailable, WriteTimeout, WriteType
from cassandra.cluster import NoHostAvailable
from cassandra.connection import ConnectionShutdown

from payments_ledger import session, writing
from payments_ledger.errors import LedgerUnavailable, RowRefused
from payments_ledger.rows import rows_of
from tests.factories.ledger_events import canonical, history_of_payment


class Statement:
    """Stands for a prepared statement: binding only remembers."""

    def __init__(self, cql):
        self.table = cql.split()[2]

    def bind(self, values):
        return self.table, values


class Answer:
    """Stands for the driver's future."""

    def __init__(self, error):
        self._error = error

    def result(self):
        if self._error is not None:
            raise self._error


@pytest.fixture
def cassandra(monkeypatch):
    """A Cassandra that remembers what it was sent and answers with `error`, when one is set."""

    class Node:
        def __init__(self):
            self.error = None
            self.sent = []

        def submit(self, statement):
            self.sent.append(statement)
            return Answer(self.error)

    node = Node()
    monkeypatch.setattr(session, "prepared", Statement)
    monkeypatch.setattr(session, "submit", node.submit)
    monkeypatch.setattr(writing, "BATCH_ROWS_MAX", 1)
    return node


def events(count):
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    return [rows_of(canonical(body)) for body in history_of_payment(events=count, booked_at=noon)]


@pytest.mark.parametrize(
    "error",
    [
        WriteTimeout(
            "the replicas did not answer", received_responses=0, required_responses=1, write_type=WriteType.SIMPLE
        ),
        Unavailable("too few replicas", required_replicas=2, alive_replicas=1),
        OperationTimedOut(),
        NoHostAvailable("nobody", {}),
        ConnectionShutdown("closed"),
        InvalidRequest("unconfigured table payment_events"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_may_pass_later_is_retryable(cassandra, error):
    cassandra.error = error

    with pytest.raises(LedgerUnavailable) as refusal:
        writing.write(events(1))

    assert refusal.value.retryable


def test_a_row_the_server_will_never_take_is_poison(cassandra):
    cassandra.error = InvalidRequest("Guardrail maximum_timestamp violated")

    with pytest.raises(RowRefused, match="maximum_timestamp") as refusal:
        writing.write(events(1))

    assert not refusal.value.retryable


def test_the_latest_state_is_written_once_per_payment_and_batch(cassandra):
    three = events(3)

    writing.write([three[2], three[0], three[1]])

    tables = [table for table, _ in cassandra.sent]
    assert sorted(tables) == [
        *["events_by_day"] * 3,
        *["payment_events"] * 3,
        "payments_by_id",
        "payments_by_user_month",
    ]
    ((_, state),) = [sent for sent in cassandra.sent if sent[0] == "payments_by_id"]
    assert state == (*three[2].state, three[2].write_timestamp_us)


def test_no_more_than_the_limit_is_in_flight(cassandra, monkeypatch):
    monkeypatch.setattr(writing, "REQUESTS_IN_FLIGHT_MAX", 4)
    most = waiting = 0

    class Slow(Answer):
        def result(self):
            nonlocal waiting
            waiting -= 1

    def submit(statement):
        nonlocal most, waiting
        waiting += 1
        most = max(most, waiting)
        return Slow(None)

    monkeypatch.setattr(session, "submit", submit)
    writing.write(events(10))

    assert (most, waiting) == (4, 0)


@pytest.mark.parametrize("error", [OperationTimedOut(), InvalidRequest("Guardrail violated")], ids=["later", "never"])
def test_after_a_failure_nothing_is_in_flight_any_more(cassandra, monkeypatch, error):
    monkeypatch.setattr(writing, "REQUESTS_IN_FLIGHT_MAX", 4)
    waiting = 0

    class Failing(Answer):
        def result(self):
            nonlocal waiting
            waiting -= 1
            super().result()

    def submit(statement):
        nonlocal waiting
        waiting += 1
        return Failing(error)

    monkeypatch.setattr(session, "submit", submit)
    with pytest.raises((LedgerUnavailable, RowRefused)):
        writing.write(events(10))

    assert waiting == 0


def test_the_write_timestamp_grows_with_every_event_of_a_payment():
    stamps = [event.write_timestamp_us for event in events(3)]

    assert stamps == [stamps[0], stamps[0] + 1_000_000, stamps[0] + 2_000_000]
    assert timedelta(microseconds=stamps[0]) == datetime(2026, 3, 1, 12) - datetime(1970, 1, 1)
