"""Create the topics of settings.OUTBOX that do not exist yet."""

from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, NewTopic
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from outbox import broker
from outbox.relay.parking import request_unpark
from outbox.topics import physical_name

PARKED_FOR_WANT_OF_A_TOPIC = ["UNKNOWN_TOPIC_OR_PART", "_UNKNOWN_TOPIC", "_UNKNOWN_PARTITION"]


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--replication-factor", type=int, default=1)

    def handle(self, *args: Any, **options: Any) -> None:
        client = broker.admin()
        wanted = {physical_name(name): partitions for name, partitions in settings.OUTBOX["TOPICS"].items()}
        created = create(client, wanted, replication_factor=options["replication_factor"])
        refuse_other_partition_counts(client, {name: wanted[name] for name in wanted if name not in created})
        for name in created:
            self.stdout.write(f"created {name} with {wanted[name]} partitions")
        # The missing topic was the reason these keys were parked, and it is there now.
        if created and (unparked := request_unpark(reasons=PARKED_FOR_WANT_OF_A_TOPIC)):
            self.stdout.write(f"asked the relay to unpark {unparked} keys")


def create(client: AdminClient, wanted: dict[str, int], *, replication_factor: int) -> list[str]:
    """Names of the topics that were created now; those that exist already are left alone."""
    topics = [
        NewTopic(name, num_partitions=partitions, replication_factor=replication_factor)
        for name, partitions in wanted.items()
    ]
    created = []
    for name, outcome in client.create_topics(topics, operation_timeout=30, request_timeout=30).items():
        try:
            outcome.result()
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise CommandError(f"{name}: {error.args[0].str()}") from error
        else:
            created.append(name)
    return created


def refuse_other_partition_counts(client: AdminClient, expected: dict[str, int]) -> None:
    """A topic with another count than the settings say would scatter the events of one aggregate."""
    if not expected:
        return
    known = client.list_topics(timeout=broker.REQUEST_SECONDS).topics
    for name, partitions in expected.items():
        found = len(known[name].partitions)
        if found != partitions:
            raise CommandError(
                f"{name} has {found} partitions and the settings say {partitions}."
                " Drain every lane before changing a count."
            )
