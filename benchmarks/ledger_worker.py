"""One process that writes events to Cassandra, as the sink does or as the driver alone would.

`python -m benchmarks.ledger_worker`: a job (JSON) on standard input, its outcome (JSON) on standard output. A process
of its own, because processor time and memory are the process's.
"""

import json
import resource
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

# Writes on their way at once, of the driver alone; the sink has a limit of its own.
WINDOW = 100
FETCH_ROWS = 1_000
FETCH_SECONDS = 5.0


@dataclass(slots=True)
class Job:
    """`mode` is `sink` or `raw`; both read `events` messages from these partitions of the topic first to last."""

    mode: str
    topic: str
    partitions: list[int]
    events: int


@dataclass(slots=True)
class Outcome:
    """Seconds from the first message to the last acknowledgement; `rss_mb` is the most the process ever had."""

    rows: int
    seconds: float
    processor_seconds: float
    rss_mb: float


def run(job: Job) -> Outcome:
    consumer = _consumer(job)
    from payments_ledger import session

    session.ping()
    if job.mode == "raw":
        # The driver alone: what Kafka, decoding and checking cost is not in its time.
        rows = _rows([message for batch in _batches(consumer, job.events) for message in batch])
        began, processor_began = time.perf_counter(), time.process_time()
        written = _write_raw(rows)
    else:
        batches = _batches(consumer, job.events)
        first = next(batches)
        began, processor_began = time.perf_counter(), time.process_time()
        written = _write_as_sink(first, batches)
    seconds, processor_seconds = time.perf_counter() - began, time.process_time() - processor_began
    rss_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    consumer.close()
    session.close()
    return Outcome(written, seconds, processor_seconds, rss_mb)


def _consumer(job: Job) -> Any:
    from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

    from outbox import broker

    settings = {"group.id": "bench", "enable.auto.commit": False, "queued.max.messages.kbytes": 16384}
    consumer = Consumer(broker.client_settings(**settings))
    consumer.assign([TopicPartition(job.topic, partition, OFFSET_BEGINNING) for partition in job.partitions])
    return consumer


def _batches(consumer: Any, events: int) -> Iterator[list[Any]]:
    """Raw messages, until so many were read."""
    while events > 0:
        batch = [message for message in consumer.consume(min(FETCH_ROWS, events), FETCH_SECONDS) if not message.error()]
        events -= len(batch)
        yield batch


def _write_as_sink(first: Sequence[Any], others: Iterable[Sequence[Any]]) -> int:
    """Decode, check and write every batch; the rows of four tables that wallet payments of one event have."""
    from outbox.consuming.message import from_kafka
    from payments_ledger.sink import LedgerProjection

    projection, events = LedgerProjection(), 0
    for batch in (first, *others):
        projection.project([from_kafka(message) for message in batch])
        events += len(batch)
    return events * 4


def _rows(messages: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Rows of payment_events with keys of their own."""
    from uuid import uuid4

    from cassandra.query import UNSET_VALUE

    from payments_ledger.rows import rows_of

    rows = []
    for message in messages:
        event = rows_of(message.value())
        values = [UNSET_VALUE if value is None else value for value in event.record]
        rows.append((uuid4(), *values[1:], event.write_timestamp_us))
    return rows


def _write_raw(rows: Sequence[tuple[Any, ...]]) -> int:
    from payments_ledger import session
    from payments_ledger.tables import PAYMENT_EVENTS

    insert = session.prepared(PAYMENT_EVENTS.insert_cql())
    in_flight: deque[Any] = deque()
    for row in rows:
        if len(in_flight) == WINDOW:
            in_flight.popleft().result()
        in_flight.append(session.submit(insert.bind(row)))
    while in_flight:
        in_flight.popleft().result()
    return len(rows)


def main() -> None:
    import django

    django.setup()
    json.dump(asdict(run(Job(**json.load(sys.stdin)))), sys.stdout)


if __name__ == "__main__":
    main()
