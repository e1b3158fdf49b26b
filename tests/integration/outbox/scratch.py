"""An outbox of its own: the tables in a schema of the run's database, where only the relays of one test work."""

import threading
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import psycopg2
from confluent_kafka import Consumer, KafkaException, TopicPartition
from django.db import connections

import outbox
from core.env import env
from outbox import broker
from outbox.lanes import lane_of
from outbox.relay import Relay
from outbox.topics import partitions_of, physical_name
from tests.waiting import eventually

TOPIC = "catalog.product"
TYPE = "catalog.product.scratch_tested.v1"
SQL = Path(outbox.__file__).parent / "migrations" / "sql"

INSERT = """
INSERT INTO outbox_event (lane, event_id, topic, agg_key, agg_seq, type, payload) VALUES (%s, %s, %s, %s, %s, %s, %s)
"""


class Scratch:
    """A schema with the outbox's tables, reachable as the application's role under a database alias."""

    def __init__(self) -> None:
        self.schema = f"scratch_{uuid.uuid4().hex[:12]}"
        default = connections.settings["default"]
        options = {**default["OPTIONS"], "options": f"-c search_path={self.schema}"}
        connections.settings[self.schema] = {**default, "OPTIONS": options}
        with self.as_owner() as cursor:
            cursor.execute(f"CREATE SCHEMA {self.schema}")
            cursor.execute(f"GRANT USAGE ON SCHEMA {self.schema} TO {default['USER']}")
            for name in ("0001_events", "0001_partitions", "0001_relay", "0001_consumers"):
                cursor.execute((SQL / f"{name}.sql").read_text())

    def drop(self) -> None:
        with self.as_owner() as cursor:
            cursor.execute(f"DROP SCHEMA {self.schema} CASCADE")
        del connections.settings[self.schema]

    def connect(self, **own: Any) -> Any:
        """A psycopg2 connection of the application's role."""
        parameters = dict(connections[self.schema].get_connection_params())
        parameters.pop("cursor_factory", None)
        return psycopg2.connect(**{**parameters, **own})

    @contextmanager
    def as_owner(self) -> Iterator[Any]:
        owner = {"user": env.str("POSTGRES_OWNER_USER"), "password": env.str("POSTGRES_OWNER_PASSWORD")}
        connection = self.connect(**owner)
        connection.autocommit = True
        with connection.cursor() as cursor:
            yield cursor
        connection.close()

    def rows(self, statement: str, *values: Any) -> list[Any]:
        connection = self.connect()
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement, values)
            found = cursor.fetchall() if cursor.description else []
        connection.close()
        return found

    def publish(self, *events: tuple[str, int]) -> None:
        """One committed transaction with these events, each a key and a sequence number."""
        connection = self.connect()
        with connection, connection.cursor() as cursor:
            for key, seq in events:
                insert(cursor, key, seq)
        connection.close()


class AppOutbox(Scratch):
    """The outbox of the application itself, where the relay of the run works."""

    def __init__(self) -> None:
        self.schema = "default"

    def has_relay(self) -> bool:
        statement = "SELECT count(*) FROM outbox_relay_instance WHERE heartbeat_at > clock_timestamp() - interval '3 s'"
        return bool(self.rows(statement)[0][0])


def insert(cursor: Any, key: str, seq: int, *, topic: str = TOPIC, payload: bytes = b"{}") -> None:
    cursor.execute(INSERT, (lane_of(key), str(uuid.uuid4()), topic, key, seq, TYPE, payload))


class RunningRelay:
    """A relay in a thread of this process, returned once it has signed in."""

    def __init__(self, scratch: Scratch) -> None:
        self._scratch = scratch
        known = set(self._instances())
        self._stop = threading.Event()
        self.relay = Relay(self._stop, using=scratch.schema)
        self._thread = threading.Thread(target=self.relay.run, name="relay under test")
        self._thread.start()
        (self.instance_id,) = eventually(lambda: set(self._instances()) - known)

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(15)
        assert not self._thread.is_alive()

    def die(self) -> None:
        """End it as a crash would: its session is cut off, so it can neither save its cursors nor free its lanes."""
        statement = "SELECT pg_terminate_backend(backend_pid) FROM outbox_relay_instance WHERE id = %s"
        self._scratch.rows(statement, self.instance_id)
        self.stop()

    def lanes(self) -> int:
        """How many lanes it owns by the table."""
        found: int = self._scratch.rows("SELECT count(*) FROM outbox_lane WHERE owner = %s", self.instance_id)[0][0]
        return found

    def _instances(self) -> list[str]:
        return [row[0] for row in self._scratch.rows("SELECT id::text FROM outbox_relay_instance")]


class Observer:
    """Reads the topic from where it ends now; keeps what was written by the keys it is asked about."""

    def __init__(self, topic: str = TOPIC) -> None:
        options = {"group.id": f"observer-{uuid.uuid4()}", "enable.auto.commit": False}
        self._consumer = Consumer(broker.client_settings(**options))
        name = physical_name(topic)
        places = [TopicPartition(name, partition) for partition in range(partitions_of(topic))]
        for place in places:
            place.offset = eventually(partial(self._edges_of, place))[1]
        self._consumer.assign(places)
        self.messages: list[Any] = []

    def _edges_of(self, place: TopicPartition) -> tuple[int, int] | None:
        try:
            edges: tuple[int, int] = self._consumer.get_watermark_offsets(place, timeout=10)
        except KafkaException:
            # A topic just made has no leader for a moment.
            return None
        return edges

    def read(self, seconds: float) -> None:
        for message in self._consumer.consume(1000, seconds):
            if message.error() is None:
                self.messages.append(message)

    def sequences(self, key: str) -> list[int]:
        """Sequence numbers of this key in the order of the topic."""
        return [int(header(m, "agg_seq")) for m in self.messages if m.key() == key.encode()]

    def wait_for(self, expected: dict[str, int], *, seconds_max: float = 20.0) -> None:
        """Until each key has been seen up to its number; fails naming a key that has not."""
        deadline = time.monotonic() + seconds_max
        while missing := [key for key, last in expected.items() if last and last not in self.sequences(key)]:
            assert time.monotonic() < deadline, f"{len(missing)} keys incomplete, {missing[0]}: " + str(
                (expected[missing[0]], self.sequences(missing[0]))
            )
            self.read(0.1)

    def close(self) -> None:
        self._consumer.close()


def header(message: Any, name: str) -> str:
    found: bytes = dict(message.headers())[name]
    return found.decode()


def new_keys(count: int) -> list[str]:
    return [str(uuid.uuid4()) for _ in range(count)]


def first_times(sequence: Iterable[int]) -> list[int]:
    """Without repetitions: what a sequence guard lets through."""
    return list(dict.fromkeys(sequence))
