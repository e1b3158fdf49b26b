"""What is wrong with the outbox right now, each with its remedy. Reads only."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from confluent_kafka import KafkaException
from django.conf import settings

from outbox import broker
from outbox.reading import relay_silent_seconds, rows
from outbox.topics import logical_name, physical_name

PARTITIONS_AHEAD_MIN = 2
SILENT_SECONDS_MAX = 10
UNPARK = "mend the cause, then manage.py outbox unpark"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something an operator should know: what it is and what to do about it."""

    what: str
    remedy: str


def examine() -> list[Finding]:
    """All findings; none means healthy. Raises OperationalError when PostgreSQL cannot be reached."""
    checks: list[Callable[[], Iterator[Finding]]] = [
        _relays,
        _partitions,
        _parked_by_relay,
        _parked_by_consumers,
        _topics,
    ]
    return [finding for check in checks for finding in check()]


def _relays() -> Iterator[Finding]:
    silent_seconds = relay_silent_seconds()
    if silent_seconds is None or silent_seconds > SILENT_SECONDS_MAX:
        yield Finding("no relay has shown a sign of life", "start a worker with WORKER_ROLE=relay")


def _partitions() -> Iterator[Finding]:
    if rows("SELECT EXISTS (SELECT FROM outbox_event_default)")[0][0]:
        yield Finding(
            "rows of outbox_event are in the DEFAULT partition",
            "move them into a partition of their own while no writer runs, then SELECT outbox_ensure_partitions()",
        )
    ahead = rows(
        """
        SELECT count(*) - 2 - coalesce(pg_sequence_last_value('outbox_event_id_seq'), 0) / 50000000
          FROM pg_inherits WHERE inhparent = 'outbox_event'::regclass
        """
    )[0][0]
    if ahead < PARTITIONS_AHEAD_MIN:
        yield Finding(f"only {ahead} partitions of outbox_event are left", "SELECT outbox_ensure_partitions()")


def _parked_by_relay() -> Iterator[Finding]:
    for reason, keys in rows("SELECT reason, count(*) FROM outbox_parked GROUP BY reason ORDER BY reason"):
        yield Finding(f"Kafka refused messages of {keys} keys: {reason}", UNPARK)


def _parked_by_consumers() -> Iterator[Finding]:
    parked = rows("SELECT group_id, count(*) FROM outbox_consumer_parked GROUP BY group_id ORDER BY group_id")
    for group, keys in parked:
        yield Finding(f"group {group} set {keys} keys aside", UNPARK)


def _topics() -> Iterator[Finding]:
    expected = {physical_name(name): partitions for name, partitions in settings.OUTBOX["TOPICS"].items()}
    client = broker.admin()
    try:
        known = client.list_topics(timeout=broker.REQUEST_SECONDS).topics
        identities = broker.identities(client, [name for name in expected if name in known])
    except KafkaException as error:
        yield Finding(f"Kafka does not answer: {error.args[0].str()}", "start it; nothing is lost meanwhile")
        return
    for name, partitions in expected.items():
        if name not in known:
            yield Finding(f"topic {name} does not exist", "manage.py create_topics")
        elif len(known[name].partitions) != partitions:
            yield Finding(
                f"topic {name} has {len(known[name].partitions)} partitions and the settings say {partitions}",
                "drain every lane, then change topic and settings together",
            )
    for name, identity in identities.items():
        yield from _replaced(logical_name(name), identity)


def _replaced(topic: str, identity: broker.TopicIdentity) -> Iterator[Finding]:
    statement = """
        SELECT group_id FROM outbox_consumer_offset WHERE topic = %s GROUP BY group_id
        HAVING NOT bool_or(cluster_id = %s AND topic_id = %s) ORDER BY group_id
    """
    for (group,) in rows(statement, topic, identity.cluster_id, identity.topic_id):
        yield Finding(
            f"group {group} has offsets of an earlier topic {topic} only",
            f"to read the present one from its beginning: manage.py outbox adopt {group} {topic}",
        )
