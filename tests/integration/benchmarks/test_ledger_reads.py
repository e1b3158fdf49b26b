"""The pieces of the read benchmark: it reads what is there, both ways, and says so when something is not."""

import uuid
from datetime import UTC, datetime
from uuid import UUID

import pytest

from benchmarks.ledger_reads import EVENTFUL, USUAL, Reads, bodies_of, figures_of, raw_reader, read_orders
from payments_ledger.rows import rows_of
from payments_ledger.selectors.payments import payments_of_order
from tests.factories.ledger_events import insert_history, life_of_payment, own_noon, record


@pytest.fixture(scope="module")
def order_id():
    bodies = life_of_payment(
        *((name, 900) for name in USUAL), payment_type="card", provider="sim", booked_at=own_noon()
    )
    insert_history(bodies)
    record(bodies)
    return UUID(bodies[0]["order_id"])


def test_both_ways_read_the_same_rows(order_id):
    (payment,) = payments_of_order(order_id)
    with raw_reader() as raw:
        assert len(raw(order_id)) == len(payment.events) == 3

    reads = read_orders([order_id], reads=5, warm_up_reads=2)

    assert len(reads.service) == len(reads.raw) == 5
    assert min(reads.service + reads.raw) > 0


def test_an_order_that_is_not_there_ends_the_benchmark():
    with pytest.raises(LookupError, match="should be recorded"):
        read_orders([uuid.uuid4()], reads=1, warm_up_reads=0)


def test_the_figures_are_percentiles_and_their_ratio():
    ratio, last, middle = figures_of(Reads(service=[float(n) for n in range(200)], raw=[n / 2 for n in range(200)]))

    assert (ratio.figure, ratio.value) == ("order_read_p99_ratio", 2.0)
    assert (last.value, last.baseline) == (198.0, 99.0)
    assert (middle.value, middle.baseline) == (100.0, 50.0)


@pytest.mark.parametrize("steps", [USUAL, EVENTFUL])
def test_the_orders_it_writes_are_ones_that_the_sink_would_take(steps):
    bodies = bodies_of(steps, booked_at=datetime(2026, 1, 1, tzinfo=UTC))

    assert [rows_of(body).seq for _, body in bodies] == list(range(1, len(steps) + 1))
