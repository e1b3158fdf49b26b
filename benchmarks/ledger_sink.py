"""How fast events get into Cassandra: the sink beside the driver alone, one process and two, and the whole way.

Every event is a wallet payment of one event and an order of its own, which leaves the least to batch: four tables, and
only the rows of a day's blocks share partitions.
"""

import json
import subprocess
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import TYPE_CHECKING
from uuid import UUID

from benchmarks.figures import Figure, median, percentile, report, say
from benchmarks.ledger_worker import Job, Outcome
from deploy.local.layout import PROJECT_ROOT, PYTHON

if TYPE_CHECKING:
    from core.payments.models import Payment
    from core.payments.services.booking import Booking
    from outbox.publishing import Outgoing

BENCH = "ledger"
EVENTS = 20_000
RUNS = 3
PARTITIONS = 4
END_TO_END_EVENTS = 10_000
TRANSACTION_EVENTS = 100
FRESHNESS_SECONDS = 20.0
WORKER_SECONDS_MAX = 300
RECORDED_SECONDS_MAX = 300.0
POLL_SECONDS = 0.05
# The raw driver writes one row where the sink writes four.
ROWS_PER_EVENT = 4


def measure(*, events: int = EVENTS, runs: int = RUNS) -> None:
    """Report every figure of the sink. Leaves the running bench stack's ledger full of events of no order."""
    topic = produce(events)
    raw, sink, raw_two, sink_two = [], [], [], []
    for number in range(runs):
        say(f"run {number + 1} of {runs}: the driver alone, the sink, then two processes of each")
        raw.append(_together("raw", topic, events, processes=1))
        sink.append(_together("sink", topic, events, processes=1))
        raw_two.append(_together("raw", topic, events, processes=2))
        sink_two.append(_together("sink", topic, events, processes=2))
        say(", ".join(f"{rate_of(part[-1]):.0f} rows/s" for part in (raw, sink, raw_two, sink_two)))
    raw_rate = median([rate_of(outcomes) for outcomes in raw])
    sink_rate = median([rate_of(outcomes) for outcomes in sink])
    report(
        Figure(BENCH, "sink_rows_ratio", sink_rate, "rows/s", raw_rate, "ratio at least 0.60 required, 0.85 aimed at")
    )
    cost = median([_microseconds(outcomes) for outcomes in sink])
    raw_cost = median([_microseconds(outcomes) for outcomes in raw])
    report(Figure(BENCH, "sink_cpu_ratio", cost, "µs/row", raw_cost, "ratio at most 1.6 required, 1.3 aimed at"))
    gain = median([rate_of(two) / rate_of(one) for one, two in zip(sink, sink_two, strict=True)])
    raw_gain = median([rate_of(two) / rate_of(one) for one, two in zip(raw, raw_two, strict=True)])
    report(Figure(BENCH, "two_process_ratio", gain, "2 ÷ 1", raw_gain, "ratio at least 0.9 required, 1.0 aimed at"))
    rss = max(outcome.rss_mb for outcomes in sink for outcome in outcomes)
    report(Figure(BENCH, "sink_rss_mb", rss, "MB", None, "reported"))
    whole_way(raw_rate=raw_rate, runs=runs)


def whole_way(*, raw_rate: float, runs: int) -> None:
    """From the commit in PostgreSQL through relay, Kafka and sink: how many events a second, and how late each is."""
    rates = [_end_to_end(END_TO_END_EVENTS) for _ in range(runs)]
    rate = median(rates)
    target = "ratio at least 0.40 required, 0.70 aimed at"
    report(Figure(BENCH, "end_to_end_ratio", rate, "events/s", raw_rate / ROWS_PER_EVENT, target))
    lags = sorted(_lags_ms(rate=rate / 2, seconds=FRESHNESS_SECONDS))
    say(f"{len(lags)} events at {rate / 2:.0f}/s")
    report(Figure(BENCH, "freshness_p50_ms", percentile(lags, 0.5), "ms", None, "at most 250 required, 50 aimed at"))
    report(Figure(BENCH, "freshness_p99_ms", percentile(lags, 0.99), "ms", None, "at most 2000 required, 500 aimed at"))


def rate_of(outcomes: Sequence[Outcome]) -> float:
    """Rows a second of processes that ran side by side: all rows by the time of the slowest."""
    return sum(outcome.rows for outcome in outcomes) / max(outcome.seconds for outcome in outcomes)


def produce(events: int) -> str:
    """A topic of its own with so many events, spread over its partitions by payment."""
    from confluent_kafka import Producer
    from confluent_kafka.admin import NewTopic

    from outbox import broker
    from outbox.events import type_of
    from outbox.lanes import lane_of
    from outbox.publishing import event_id_of

    topic = f"bench-{time.time_ns()}"
    for created in broker.admin().create_topics([NewTopic(topic, num_partitions=PARTITIONS)]).values():
        created.result()
    producer = Producer(broker.client_settings(acks="all", **{"linger.ms": 5}))
    for outgoing in _outgoing(events):
        key = str(outgoing.key)
        headers = {
            "ce_id": str(event_id_of(key, outgoing.seq)),
            "ce_type": type_of(outgoing.event),
            "agg_seq": str(outgoing.seq),
        }
        producer.produce(
            topic, outgoing.payload, key, partition=lane_of(key) % PARTITIONS, headers=list(headers.items())
        )
        producer.poll(0)
    producer.flush()
    return topic


def _outgoing(events: int) -> list["Outgoing"]:
    from core.payments.services.booking import entry_of

    return [entry_of(booking).outgoing for _, booking in _bookings(events)]


def _bookings(events: int) -> list[tuple["Payment", "Booking"]]:
    from core.ids import new_id
    from core.money import Money
    from core.payments.domain.payment_state import EventType, PaymentType
    from core.payments.services.booking import next_booking_time
    from core.payments.services.payments import begun

    time_of_booking, users = next_booking_time(), [new_id() for _ in range(1_000)]
    return [
        begun(
            event_type=EventType.CAPTURED,
            payment_type=PaymentType.WALLET,
            order_id=new_id(),
            user_id=users[number % len(users)],
            amount=Money(500, "GBP"),
            time=time_of_booking,
        )
        for number in range(events)
    ]


def _together(mode: str, topic: str, events: int, *, processes: int) -> list[Outcome]:
    """So many processes at once, each with its share of the partitions."""
    counts = _events_by_partition(topic)
    jobs = [
        Job(mode, topic, shares, sum(counts[partition] for partition in shares))
        for shares in (list(range(number, PARTITIONS, processes)) for number in range(processes))
    ]
    with ThreadPoolExecutor(processes) as pool:
        return list(pool.map(_worker, jobs))


def _events_by_partition(topic: str) -> dict[int, int]:
    from confluent_kafka import Consumer, TopicPartition

    from outbox import broker

    consumer = Consumer(broker.client_settings(**{"group.id": "bench"}))
    ends = {
        partition: consumer.get_watermark_offsets(TopicPartition(topic, partition))[1]
        for partition in range(PARTITIONS)
    }
    consumer.close()
    return ends


def _worker(job: Job) -> Outcome:
    done = subprocess.run(
        [str(PYTHON), "-m", "benchmarks.ledger_worker"],
        cwd=PROJECT_ROOT,
        input=json.dumps(asdict(job)),
        stdout=subprocess.PIPE,
        text=True,
        timeout=WORKER_SECONDS_MAX,
        check=True,
    )
    return Outcome(**json.loads(done.stdout.splitlines()[-1]))


def _microseconds(outcomes: Sequence[Outcome]) -> float:
    return sum(outcome.processor_seconds for outcome in outcomes) * 1e6 / sum(outcome.rows for outcome in outcomes)


def _end_to_end(events: int) -> float:
    """Events a second: book them all in as few transactions as there are hundreds, until Cassandra has them."""
    bookings = _bookings(events)
    began = time.monotonic()
    for start in range(0, events, TRANSACTION_EVENTS):
        _book(bookings[start : start + TRANSACTION_EVENTS])
    _wait_recorded([payment.id for payment, _ in bookings])
    return events / (time.monotonic() - began)


def _lags_ms(*, rate: float, seconds: float) -> list[float]:
    """Milliseconds from each commit to the event's acknowledgement by Cassandra, both by PostgreSQL's clock."""
    from django.db import connection

    bookings = _bookings(int(rate * seconds))
    committed: dict[UUID, float] = {}
    began = time.monotonic()
    for number, booking in enumerate(bookings):
        delay = began + number / rate - time.monotonic()
        if delay > 0:
            time.sleep(delay)
        _book([booking])
        committed[booking[0].id] = time.time()
    _wait_recorded(list(committed))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT payment_id, extract(epoch FROM updated_at)::float8 FROM payments_paymentrecording"
            " WHERE payment_id = ANY(%s::uuid[])",
            [[str(payment_id) for payment_id in committed]],
        )
        return [(recorded - committed[payment_id]) * 1000 for payment_id, recorded in cursor.fetchall()]


def _book(bookings: Sequence[tuple["Payment", "Booking"]]) -> None:
    from django.db import transaction

    from core.payments.services.booking import book_many

    with transaction.atomic():
        book_many([booking for _, booking in bookings])


def _wait_recorded(payment_ids: Sequence[UUID]) -> None:
    from django.db import connection

    deadline, ids = time.monotonic() + RECORDED_SECONDS_MAX, [str(payment_id) for payment_id in payment_ids]
    while True:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM payments_paymentrecording WHERE payment_id = ANY(%s::uuid[])", [ids])
            if cursor.fetchone()[0] == len(ids):
                return
        if time.monotonic() > deadline:
            raise TimeoutError(f"not all of {len(ids)} events were recorded in {RECORDED_SECONDS_MAX:.0f} s")
        time.sleep(POLL_SECONDS)
