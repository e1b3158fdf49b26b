"""The fake is only worth something if it keeps Cassandra's own rules; the last test is the real driver's word."""

import random
from datetime import date
from uuid import UUID

import pytest
from cassandra import WriteTimeout
from hypothesis import given
from hypothesis import strategies as st

from payments_ledger.tables import EVENTS_BY_DAY, PAYMENTS_BY_PROVIDER_REF
from tests.simulation.coordinator import Coordinator, Weather
from tests.simulation.replica import Replica, StoredRow, Write, merged
from tests.simulation.statements import definitions, parsed

timestamps = st.integers(1, 4)
cells = st.tuples(timestamps, st.booleans(), st.sampled_from([b"a", b"b"]))
rows = st.builds(
    StoredRow,
    marker=timestamps,
    deleted_at=st.one_of(st.just(-(2**63)), timestamps),
    cells=st.dictionaries(st.sampled_from("xy"), cells),
)


def seen_after(*written: StoredRow):
    replica = Replica()
    for row in written:
        replica.apply((Write("t", (b"p",), (b"c",), row),))
    return merged([replica], "t", (b"p",)).get((b"c",))


def live(written_at: int, value: bytes = b"v") -> StoredRow:
    return StoredRow(marker=written_at, cells={"x": (written_at, False, value)})


@given(st.lists(rows, min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_neither_order_nor_repetition_of_writes_matters(written, rng):
    again = written + rng.sample(written, len(written))
    rng.shuffle(again)

    assert seen_after(*again) == seen_after(*written)


def test_the_newer_write_wins_cell_by_cell():
    older = StoredRow(marker=1, cells={"x": (1, False, b"old"), "y": (1, False, b"old")})
    newer = StoredRow(cells={"y": (2, False, b"new")})

    assert seen_after(newer, older) == {"x": b"old", "y": b"new"}


def test_of_two_values_at_one_timestamp_the_larger_wins():
    assert seen_after(live(7, b"b"), live(7, b"a")) == {"x": b"b"}


def test_a_tombstone_wins_a_tie_and_a_deletion_hides_what_is_not_newer():
    assert seen_after(live(7), StoredRow(cells={"x": (7, True, b"")})) == {}
    assert seen_after(live(7), StoredRow(deleted_at=7)) is None
    assert seen_after(StoredRow(deleted_at=7), live(8)) == {"x": b"v"}


def test_an_update_without_an_insert_is_a_row_only_while_it_has_a_value():
    update = StoredRow(cells={"x": (1, False, b"v")})

    assert seen_after(update) == {"x": b"v"}
    assert seen_after(update, StoredRow(cells={"x": (2, True, b"")})) is None


def reference(cassandra: Coordinator, number: int, *, written_at: int = 1):
    statement = cassandra.prepare(PAYMENTS_BY_PROVIDER_REF.insert_cql())
    return statement.bind(("simulator", "ref", UUID(int=number), UUID(int=number), written_at))


def test_a_write_that_timed_out_may_be_there_or_come_later():
    outcomes = set()
    for seed in range(60):
        cassandra = Coordinator(random.Random(seed), clock=lambda: 0)
        cassandra.weather = Weather(timeout=1.0)
        with pytest.raises(Exception, match=r"no answer|errors=") as error:
            cassandra.execute_async(reference(cassandra, 1)).result()
        assert isinstance(error.value, WriteTimeout) or type(error.value).__name__ == "OperationTimedOut"
        at_once = len(cassandra.everything(PAYMENTS_BY_PROVIDER_REF.name))
        cassandra.deliver_late_writes()
        outcomes.add((at_once, len(cassandra.everything(PAYMENTS_BY_PROVIDER_REF.name))))

    assert outcomes >= {(0, 0), (0, 1), (1, 1)}


def test_what_a_quorum_acknowledged_every_quorum_reads():
    cassandra = Coordinator(random.Random(5), clock=lambda: 0)
    cassandra.weather = Weather(third_never=1.0)
    cassandra.execute_async(reference(cassandra, 1)).result()

    assert all(len(cassandra.everything(PAYMENTS_BY_PROVIDER_REF.name)) == 1 for _ in range(50))


def test_the_driver_refuses_a_value_of_another_type():
    cassandra = Coordinator(random.Random(5), clock=lambda: 0)
    statement = cassandra.prepare(EVENTS_BY_DAY.select_cql(where=EVENTS_BY_DAY.partition_condition()))

    assert cassandra.execute(statement, (date(2026, 1, 1), "card", 3)) == []
    with pytest.raises(TypeError):
        statement.bind((date(2026, 1, 1), "card", "three"))


def test_a_statement_it_does_not_know_is_no_empty_answer():
    with pytest.raises(ValueError, match="teach it"):
        parsed("DELETE FROM payment_events WHERE order_id = ?")


def test_every_table_of_the_schema_is_known_with_its_key():
    assert definitions()["events_by_day"].key == EVENTS_BY_DAY.key
    assert {"payment_events", "payments_by_id", "payments_by_user_month"} <= definitions().keys()
