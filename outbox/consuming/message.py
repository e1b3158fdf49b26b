"""A message as a projection sees it."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from outbox.errors import MalformedMessage
from outbox.topics import logical_name


@dataclass(frozen=True, slots=True)
class Message:
    """One event of one aggregate. `topic` is the aggregate type, without the environment's prefix.

    `problem` is empty for every message that a projection gets to see; otherwise it says why the message is unreadable.
    """

    topic: str
    partition: int
    offset: int
    key: str
    value: bytes
    type: str
    seq: int
    event_id: UUID | None
    traceparent: str | None
    problem: str = ""


def from_kafka(raw: Any) -> Message:
    """Read a confluent_kafka.Message; what the relay did not write comes back with a `problem` and empty fields."""
    topic, partition, offset = logical_name(raw.topic()), raw.partition(), raw.offset()
    value = raw.value() or b""
    try:
        headers = dict(raw.headers() or ())
        return Message(
            topic=topic,
            partition=partition,
            offset=offset,
            key=raw.key().decode(),
            value=value,
            type=headers["ce_type"].decode(),
            seq=int(headers["agg_seq"]),
            event_id=UUID(headers["ce_id"].decode()),
            traceparent=headers["traceparent"].decode() if "traceparent" in headers else None,
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        problem = str(MalformedMessage(problem=repr(error)))
        return Message(topic, partition, offset, "", value, "", 0, None, None, problem)
