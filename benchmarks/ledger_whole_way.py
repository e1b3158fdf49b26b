"""From the commit in PostgreSQL through relay, Kafka and sink: how many events a second, and how late each is."""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from benchmarks.figures import Figure, median, percentile, report, say
from benchmarks.ledger import wait_payments_recorded
from benchmarks.wallet_payments import ROWS_PER_EVENT, bookings

if TYPE_CHECKING:
    from core.payments.models import Payment
    from core.payments.services.booking import Booking

BENCH = "ledger"
RUNS = 3
EVENTS = 10_000
TRANSACTION_EVENTS = 100
# Checkouts commit one by one, so half load is half of what goes through that way.
LONE_EVENTS = 4_000
FRESHNESS_SECONDS = 30.0


def measure(*, raw_rate: float, events: int = EVENTS, runs: int = RUNS) -> None:
    """Report the whole way's figures beside the driver's own rows a second. The events are of no order."""
    rates = [_events_per_second(events, in_transaction=TRANSACTION_EVENTS) for _ in range(runs)]
    target = "ratio at least 0.40 required, 0.70 aimed at"
    report(Figure(BENCH, "end_to_end_ratio", median(rates), "events/s", raw_rate / ROWS_PER_EVENT, target))
    lone = median([_events_per_second(LONE_EVENTS, in_transaction=1) for _ in range(runs)])
    lags = sorted(_lags_ms(rate=lone / 2, seconds=FRESHNESS_SECONDS))
    say(f"{len(lags)} events at {lone / 2:.0f}/s")
    report(Figure(BENCH, "freshness_p50_ms", percentile(lags, 0.5), "ms", None, "at most 250 required, 50 aimed at"))
    report(Figure(BENCH, "freshness_p99_ms", percentile(lags, 0.99), "ms", None, "at most 2000 required, 500 aimed at"))


def _events_per_second(events: int, *, in_transaction: int) -> float:
    """Book them all, so many in a transaction, and wait until Cassandra has acknowledged the last."""
    payments = bookings(events)
    began = time.monotonic()
    for start in range(0, events, in_transaction):
        _book(payments[start : start + in_transaction])
    booked = time.monotonic() - began
    wait_payments_recorded([payment.id for payment, _ in payments])
    seconds = time.monotonic() - began
    say(f"{events} events by {in_transaction}: committed after {booked:.1f} s, in Cassandra after {seconds:.1f} s")
    return events / seconds


def _lags_ms(*, rate: float, seconds: float) -> list[float]:
    """Milliseconds from each commit to the event's acknowledgement by Cassandra, on one machine's clock."""
    from django.db import connection

    payments = bookings(int(rate * seconds))
    committed: dict[UUID, float] = {}
    began = time.monotonic()
    for number, payment in enumerate(payments):
        delay = began + number / rate - time.monotonic()
        if delay > 0:
            time.sleep(delay)
        _book([payment])
        committed[payment[0].id] = time.time()
    wait_payments_recorded(list(committed))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT payment_id, extract(epoch FROM updated_at)::float8 FROM payments_paymentrecording"
            " WHERE payment_id = ANY(%s::uuid[])",
            [[str(payment_id) for payment_id in committed]],
        )
        return [(recorded - committed[payment_id]) * 1000 for payment_id, recorded in cursor.fetchall()]


def _book(payments: Sequence[tuple["Payment", "Booking"]]) -> None:
    from django.db import transaction

    from core.payments.services.booking import book_many

    with transaction.atomic():
        book_many([booking for _, booking in payments])
