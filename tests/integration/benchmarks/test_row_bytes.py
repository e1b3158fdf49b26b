"""The estimate of bytes a row against the data files that a real Cassandra writes."""

import time
import uuid
from random import Random

import pytest
from cassandra.query import UNSET_VALUE

from benchmarks.payment_lives import Life, rows_of_life, uuid7
from benchmarks.row_bytes import partition_bytes, row_bytes
from core import clock
from core.payments.domain.payment_state import PaymentType
from deploy.local.cassandra import folder_of
from deploy.local.control import Stack
from payments_ledger import schema, session
from payments_ledger.tables import EVENTS_BY_DAY, PAYMENT_EVENTS, PAYMENTS_BY_USER_MONTH

PAYMENTS = 200
# How far the estimate may be off. What it leaves out (file headers, deltas of timestamps) is a few per cent.
TOLERANCE = 0.03
FLUSH_SECONDS_MAX = 30


@pytest.fixture
def keyspace(settings):
    """A keyspace of its own whose tables are neither compressed nor used by anything else."""
    name = f"sizes_{uuid.uuid4().hex[:12]}"
    settings.LEDGER = {**settings.LEDGER, "KEYSPACE": name}
    schema.migrate()
    yield name
    execute(f"DROP KEYSPACE {name}")


def execute(*statements):
    with session.temporary() as opened:
        for statement in statements:
            opened.execute(statement, execution_profile=session.LOOKUP, timeout=30)


def test_the_estimate_is_what_cassandra_writes(keyspace):
    expected = {table: write(keyspace, table) for table in (EVENTS_BY_DAY, PAYMENT_EVENTS, PAYMENTS_BY_USER_MONTH)}

    for table, size in expected.items():
        assert flushed_bytes(keyspace, table) == pytest.approx(size, rel=TOLERANCE), table.name


def some_rows(table):
    """Lives of three events: every row as the sink would bind it."""
    random, now = Random(7), clock.now()
    for number in range(PAYMENTS):
        payment_type = PaymentType.CARD if number % 3 else PaymentType.WALLET
        ids = [uuid7(now, random) for _ in range(3)]
        life = Life(
            payment_id=ids[0],
            order_id=ids[1],
            user_id=ids[2],
            payment_type=payment_type,
            began_at=now,
            bucket_count=4,
        )
        for event in rows_of_life(life, 3, random=random):
            yield {"events_by_day": event.entry, "payment_events": event.record}.get(table.name, event.user_month)


def row_key(table, row):
    return tuple(row[table.columns.index(column)] for column in table.key)


def write(keyspace, table):
    """Some rows; the bytes they should take."""
    rows = {row_key(table, row): row for row in some_rows(table)}
    timestamp = int(clock.now().timestamp() * 1_000_000)
    with session.temporary(keyspace) as opened:
        insert = opened.prepare(table.insert_cql())
        # As far apart as the bookings of three years, so that a row's timestamp takes its usual room.
        bound = [
            insert.bind([*(UNSET_VALUE if value is None else value for value in row), timestamp - 10**11 * place])
            for place, row in enumerate(rows.values())
        ]
        for future in [opened.execute_async(one, execution_profile=session.LOOKUP) for one in bound]:
            future.result()
        # Once changed, the table is written out within a second, and as it then is: without compression.
        opened.execute(
            f"ALTER TABLE {table.name} "
            "WITH compression = {'enabled': 'false'} AND memtable_flush_period_in_ms = 1000",
            execution_profile=session.LOOKUP,
            timeout=30,
        )
    partitions = {row[: len(table.partition_key)]: partition_bytes(table, row) for row in rows.values()}
    return sum(row_bytes(table, row) for row in rows.values()) + sum(partitions.values())


def flushed_bytes(keyspace, table):
    """The size of the table's data files once they have stopped changing."""
    folder = folder_of(Stack.from_env().layout) / "data" / keyspace
    deadline, before = time.monotonic() + FLUSH_SECONDS_MAX, -1
    while True:
        files = list(folder.glob(f"{table.name}-*/*-Data.db"))
        size = sum(path.stat().st_size for path in files)
        if files and size == before:
            return size
        assert time.monotonic() < deadline, f"{table.name} was not written out in {folder}"
        before = size
        time.sleep(1.5)
