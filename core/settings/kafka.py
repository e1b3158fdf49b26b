"""Kafka and the outbox."""

from typing import Any

from core.env import env
from core.ids import EVENT_NAMESPACE

KAFKA: dict[str, Any] = {"bootstrap.servers": env.str("KAFKA_BOOTSTRAP_SERVERS", default="127.0.0.1:9092")}
KAFKA_GROUP_PREFIX = env.str("KAFKA_GROUP_PREFIX", default="")

OUTBOX: dict[str, Any] = {
    "EVENT_NAMESPACE": EVENT_NAMESPACE,
    "TOPIC_PREFIX": env.str("KAFKA_TOPIC_PREFIX", default=""),
    # Aggregate type → partitions. A count divides 64, the number of lanes; changing one needs drained lanes.
    "TOPICS": {"payments.payment": 8, "payments.operation": 4, "orders.order": 4, "catalog.product": 4},
}
