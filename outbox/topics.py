"""Names and sizes of topics. Rows and messages carry the logical name; only Kafka sees the prefix."""

from django.conf import settings

from outbox.errors import UnknownAggregateType


def partitions_of(aggregate_type: str) -> int:
    """The number of partitions of the topic of this aggregate type; raises UnknownAggregateType."""
    try:
        partitions: int = settings.OUTBOX["TOPICS"][aggregate_type]
    except KeyError:
        raise UnknownAggregateType(aggregate_type=aggregate_type) from None
    return partitions


def physical_name(aggregate_type: str) -> str:
    """The topic's name in Kafka."""
    prefix: str = settings.OUTBOX["TOPIC_PREFIX"]
    return prefix + aggregate_type


def logical_name(topic: str) -> str:
    """The aggregate type of a Kafka topic of ours."""
    prefix: str = settings.OUTBOX["TOPIC_PREFIX"]
    return topic.removeprefix(prefix)
