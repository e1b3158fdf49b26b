"""What every Kafka client of the outbox shares. Clients are made where they are used, never before a fork."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from confluent_kafka import TopicCollection
from confluent_kafka.admin import AdminClient
from django.conf import settings

REQUEST_SECONDS = 5.0

librdkafka_log = logging.getLogger("outbox.librdkafka")
# Each new producer repeats that the guarantee against gaps is experimental: an option we chose knowing that.
librdkafka_log.addFilter(lambda record: not record.getMessage().startswith("CONFWARN"))


@dataclass(frozen=True, slots=True)
class TopicIdentity:
    """Which topic of which cluster: a topic deleted and made again has the same name and another id."""

    cluster_id: str
    topic_id: str


def client_settings(**own: Any) -> dict[str, Any]:
    """settings.KAFKA with the client's own options on top."""
    common = {
        # The default of 10 s would be most of the time it takes to go on after a broker's restart.
        "reconnect.backoff.max.ms": 1000,
        "log.connection.close": False,
        "logger": librdkafka_log,
    }
    return {**common, **settings.KAFKA, **own}


def admin() -> AdminClient:
    return AdminClient(client_settings())


def identities(client: AdminClient, topics: Iterable[str]) -> dict[str, TopicIdentity]:
    """The identity of each topic, by its name in Kafka. Raises KafkaException, also when a topic does not exist."""
    cluster = client.describe_cluster(request_timeout=REQUEST_SECONDS)
    described = client.describe_topics(TopicCollection(list(topics)), request_timeout=REQUEST_SECONDS)
    cluster_id = str(cluster.result().cluster_id)
    return {
        name: TopicIdentity(cluster_id=cluster_id, topic_id=str(description.result().topic_id))
        for name, description in described.items()
    }
