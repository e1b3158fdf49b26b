"""Cassandra's side: when everything has arrived, how late each order was, and what the driver alone can do."""

import time
from collections.abc import Sequence
from uuid import UUID, uuid4

from cassandra.concurrent import execute_concurrent_with_args
from django.conf import settings
from django.db import connection

from benchmarks.client import Outcome
from payments_ledger import session

CONCURRENCY = 100
# Reading back is no race: few at once, so that none times out on a busy machine.
READ_CONCURRENCY = 16
READABLE_WITHIN_SECONDS = 5.0
POLL_SECONDS = 0.25
DRAIN_SECONDS_MAX = 600.0
# About the body and the other columns of one event.
ROW_BYTES = 1_100

_SCRATCH = """
CREATE TABLE IF NOT EXISTS bench_writes (
    order_id uuid, payment_id uuid, seq int, body text, PRIMARY KEY ((order_id), payment_id, seq))
"""
_READ = "SELECT payment_id FROM payment_events WHERE order_id = ?"


class NotRecorded(Exception):
    """The ledger did not get everything."""


def wait_recorded(order_ids: Sequence[UUID], *, seconds_max: float = DRAIN_SECONDS_MAX) -> float:
    """Seconds until every payment of these orders is acknowledged; then each is read from Cassandra itself.

    Raises NotRecorded.
    """
    began = time.monotonic()
    ids = "{" + ",".join(map(str, order_ids)) + "}"
    while missing := _unrecorded(ids):
        if time.monotonic() - began > seconds_max:
            raise NotRecorded(f"{missing} payments not in Cassandra after {seconds_max:.0f} s")
        time.sleep(POLL_SECONDS)
    drained = time.monotonic() - began
    found = _readable(order_ids)
    if found != len(order_ids):
        raise NotRecorded(f"{len(order_ids) - found} orders called recorded are not in Cassandra")
    return drained


def wait_payments_recorded(payment_ids: Sequence[UUID], *, seconds_max: float = DRAIN_SECONDS_MAX) -> None:
    """Return once Cassandra has acknowledged all of these payments, of one event each. Raises NotRecorded."""
    began, ids = time.monotonic(), "{" + ",".join(map(str, payment_ids)) + "}"
    while True:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM payments_paymentrecording WHERE payment_id = ANY(%s::uuid[])", [ids])
            missing = len(payment_ids) - int(cursor.fetchone()[0])
        if not missing:
            return
        if time.monotonic() - began > seconds_max:
            raise NotRecorded(f"{missing} payments not in Cassandra after {seconds_max:.0f} s")
        time.sleep(POLL_SECONDS)


def lags_of(outcome: Outcome) -> list[float]:
    """Seconds from each answer to its payment's acknowledgement by Cassandra; infinite for one that has none."""
    ids = "{" + ",".join(name for name, _ in outcome.accepted) + "}"
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT payment.order_id, extract(epoch FROM recording.updated_at)::float8
            FROM unnest(%s::uuid[]) AS given (id) JOIN payments_payment AS payment ON payment.order_id = given.id
                 JOIN payments_paymentrecording AS recording ON recording.payment_id = payment.id
            WHERE recording.recorded_seq >= payment.seq
            """,
            [ids],
        )
        recorded = {str(order_id): at for order_id, at in cursor.fetchall()}
    return [recorded.get(name, float("inf")) - answered for name, answered in outcome.accepted]


def raw_writes_per_second(*, seconds: float) -> float:
    """Prepared single-row writes a second, by the driver alone, of rows as large as an event."""
    opened = session.session()
    with session.temporary(settings.LEDGER["KEYSPACE"]) as owner:
        owner.execute(_SCRATCH)
    insert = session.prepared("INSERT INTO bench_writes (order_id, payment_id, seq, body) VALUES (?, ?, ?, ?)")
    body, written, began = "x" * ROW_BYTES, 0, time.monotonic()
    while time.monotonic() - began < seconds:
        rows = [(uuid4(), uuid4(), 1, body) for _ in range(1_000)]
        execute_concurrent_with_args(opened, insert, rows, concurrency=CONCURRENCY)
        written += len(rows)
    return written / (time.monotonic() - began)


def _unrecorded(ids: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT count(*) FROM unnest(%s::uuid[]) AS given (id) JOIN payments_payment AS payment
                   ON payment.order_id = given.id LEFT JOIN payments_paymentrecording AS recording
                   ON recording.payment_id = payment.id
            WHERE coalesce(recording.recorded_seq, 0) < payment.seq
            """,
            [ids],
        )
        return int(cursor.fetchone()[0])


def _readable(order_ids: Sequence[UUID]) -> int:
    """How many of the orders have an event in Cassandra, read one by one."""
    results = execute_concurrent_with_args(
        session.session(),
        session.prepared(_READ),
        [(order_id,) for order_id in order_ids],
        concurrency=READ_CONCURRENCY,
    )
    return sum(1 for is_success, rows in results if is_success and rows.one() is not None)
