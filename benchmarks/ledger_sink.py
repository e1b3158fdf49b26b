"""How fast events get from Kafka into Cassandra: the sink beside the driver alone, in one process and in two."""

import json
import subprocess
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

from benchmarks.figures import Figure, median, report, say
from benchmarks.ledger_worker import Job, Outcome
from benchmarks.wallet_payments import bookings
from deploy.local.layout import PROJECT_ROOT, PYTHON

BENCH = "ledger"
EVENTS = 20_000
RUNS = 3
PARTITIONS = 4
WORKER_SECONDS_MAX = 300


def measure(*, events: int = EVENTS, runs: int = RUNS) -> float:
    """Report every figure of the sink; return the raw driver's rows a second in one process.

    Leaves the running bench stack's ledger full of events of no order.
    """
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
    return raw_rate


def rate_of(outcomes: Sequence[Outcome]) -> float:
    """Rows a second of processes that ran side by side: all rows by the time of the slowest."""
    return sum(outcome.rows for outcome in outcomes) / max(outcome.seconds for outcome in outcomes)


def produce(events: int) -> str:
    """A topic of its own with so many events, spread over its partitions by payment."""
    from confluent_kafka import Producer
    from confluent_kafka.admin import NewTopic

    from core.payments.services.booking import entry_of
    from outbox import broker
    from outbox.events import type_of
    from outbox.lanes import lane_of
    from outbox.publishing import event_id_of

    topic = f"bench-{time.time_ns()}"
    admin = broker.admin()
    for created in admin.create_topics([NewTopic(topic, num_partitions=PARTITIONS)]).values():
        created.result()
    producer = Producer(broker.client_settings(acks="all", **{"linger.ms": 5}))
    for outgoing in (entry_of(booking).outgoing for _, booking in bookings(events)):
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
