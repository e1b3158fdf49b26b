"""How long an order's payments take to read: the service's function beside the driver alone, on the same partitions.

`python -m benchmarks.ledger_reads` on a stack of its own; `measure` inside a benchmark that has one already. One
reader, in a closed loop; the two take turns at every order, so whatever else the machine does happens to both.
"""

import argparse
import gc
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from benchmarks.figures import Figure, percentile, report, say
from benchmarks.stack import fresh_stack
from deploy.local.layout import LEDGER_BENCH

BENCH = "ledger"
ORDERS = 2_000
READS = 20_000
WARM_UP_READS = 1_000
# What happens to most orders, and to one in a hundred.
USUAL = ("payment.created", "payment.authorized", "payment.captured")
EVENTFUL = (*USUAL, *("refund.requested", "refund.succeeded") * 20)
EVENTFUL_SHARE = 0.01
AMOUNT_MINOR = 10_000


@dataclass(frozen=True, slots=True)
class Reads:
    """Milliseconds of each read of an order, by the service's function and by the driver alone."""

    service: list[float]
    raw: list[float]


def measure(*, ids: Sequence[UUID] = (), orders: int = ORDERS, reads: int = READS) -> None:
    """Read the recorded orders `ids`, and report. Needs Django set up and a stack that answers.

    Without `ids` it writes `orders` of its own, which PostgreSQL has never heard of: on a stack that is verified
    afterwards give the orders that are there.
    """
    if not ids:
        say(f"writing {orders} orders")
        ids = write_orders(orders)
    say(f"reading {reads} times each way")
    for figure in figures_of(read_orders(ids, reads=reads)):
        report(figure)


def figures_of(reads: Reads) -> list[Figure]:
    """The required figure, and what an order's read costs at the middle and at the end of the distribution."""
    service, raw = percentile(reads.service, 0.99), percentile(reads.raw, 0.99)
    middle, raw_middle = percentile(reads.service, 0.5), percentile(reads.raw, 0.5)
    return [
        Figure(BENCH, "order_read_p99_ratio", service / raw, "", None, "at most 2.0 required, 1.5 aimed at"),
        Figure(BENCH, "order_read_p99_ms", service, "ms", raw, "at most 15 required"),
        Figure(BENCH, "order_read_p50_ms", middle, "ms", raw_middle, "at most 3 aimed at"),
    ]


def write_orders(count: int) -> list[UUID]:
    """Orders with one payment each, in every table, through the sink's own writing code. Their ids."""
    from payments_ledger import writing
    from payments_ledger.rows import rows_of

    chooser, began = random.Random(6), datetime(2026, 1, 1, tzinfo=UTC)
    ids: list[UUID] = []
    for start in range(0, count, 100):
        events = []
        for number in range(start, min(start + 100, count)):
            steps = EVENTFUL if chooser.random() < EVENTFUL_SHARE else USUAL
            bodies = bodies_of(steps, booked_at=began + timedelta(seconds=number))
            ids.append(bodies[0][0])
            events += [rows_of(body) for _, body in bodies]
        writing.write(events)
    return ids


def bodies_of(steps: Sequence[str], *, booked_at: datetime) -> list[tuple[UUID, bytes]]:
    """Order id and canonical body of each event of one payment by card."""
    from core.ids import event_id
    from core.payments.domain.accounts import postings_of
    from core.payments.domain.buckets import bucket_of
    from core.payments.domain.payment_state import EventType, PaymentType, next_state
    from core.payments.domain.totals import Totals, totals_after
    from core.payments.events import PAYMENT_EVENT_CLASSES
    from outbox.events import encode

    payment_id, order_id, user_id = uuid4(), uuid4(), uuid4()
    totals, state, made = Totals(), None, []
    for seq, name in enumerate(steps, start=1):
        event_type = EventType(f"payments.{name}.v1")
        amount_minor = AMOUNT_MINOR // 100 if name.startswith("refund") else AMOUNT_MINOR
        totals = totals_after(totals, event_type, amount_minor)
        state = next_state(state, event_type, remainder_minor=totals.remainder_minor)
        moment = booked_at + timedelta(milliseconds=seq)
        fact = PAYMENT_EVENT_CLASSES[event_type](
            event_id=event_id(payment_id, seq),
            event_type=str(event_type),
            payment_id=payment_id,
            seq=seq,
            order_id=order_id,
            user_id=user_id,
            object_id=None,
            payment_type=str(PaymentType.CARD),
            provider="simulator",
            provider_ref=f"ch_{payment_id.hex}",
            status_after=str(state),
            amount_minor=amount_minor,
            currency="GBP",
            authorized_minor=totals.authorized_minor,
            captured_minor=totals.captured_minor,
            refunded_minor=totals.refunded_minor,
            disputed_minor=totals.disputed_minor,
            postings=dict(postings_of(event_type, PaymentType.CARD, amount_minor, "simulator")),
            occurred_at=moment,
            booked_at=moment,
            booking_day=moment.date(),
            bucket=bucket_of(payment_id, 4),
            region="",
            payment_created_at=booked_at,
        )
        made.append((order_id, encode(fact)))
    return made


def read_orders(ids: Sequence[UUID], *, reads: int, warm_up_reads: int = WARM_UP_READS) -> Reads:
    """Read orders drawn at random, each once by the service and once by the driver, whichever comes first.

    Raises LookupError when an order is not there.
    """
    from payments_ledger.selectors.payments import payments_of_order

    chooser, found = random.Random(7), Reads([], [])
    with raw_reader() as raw:
        for order_id in chooser.choices(ids, k=warm_up_reads):
            payments_of_order(order_id)
            raw(order_id)
        gc.collect()
        for order_id in chooser.choices(ids, k=reads):
            both = [(payments_of_order, found.service), (raw, found.raw)]
            for read, times in both if chooser.random() < 0.5 else reversed(both):
                times.append(_milliseconds(read, order_id))
    return found


@contextmanager
def raw_reader() -> Iterator[Callable[[UUID], Any]]:
    """The same rows by the driver alone: prepared, at the same level, as tuples, which is the least it can do."""
    from django.conf import settings

    from payments_ledger.cluster import BULK
    from payments_ledger.selectors.payments import EVENTS_OF_ORDER
    from payments_ledger.session import temporary

    with temporary(settings.LEDGER["KEYSPACE"], role=settings.LEDGER["ROLE"]) as session:
        statement = session.prepare(EVENTS_OF_ORDER)
        yield lambda order_id: list(session.execute(statement, (order_id,), execution_profile=BULK))


def _milliseconds(read: Callable[[UUID], Any], order_id: UUID) -> float:
    began = time.perf_counter()
    if not read(order_id):
        raise LookupError(f"order {order_id} should be recorded, and reading it finds nothing")
    return (time.perf_counter() - began) * 1000


def parser() -> argparse.ArgumentParser:
    arguments = argparse.ArgumentParser(prog="python -m benchmarks.ledger_reads", description=__doc__)
    arguments.add_argument("--orders", type=int, default=ORDERS, help="orders that are written and read")
    arguments.add_argument("--reads", type=int, default=READS, help="reads each way")
    return arguments


def main(argv: Sequence[str]) -> int:
    options = parser().parse_args(argv)
    with fresh_stack(LEDGER_BENCH):
        measure(orders=options.orders, reads=options.reads)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
