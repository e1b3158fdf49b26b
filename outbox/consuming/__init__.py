"""Consumers: at least once, in order per aggregate, with offsets kept beside the effects in PostgreSQL."""

from outbox.consuming.loop import ConsumerLoop
from outbox.consuming.message import Message
from outbox.consuming.projection import Projection

__all__ = ["ConsumerLoop", "Message", "Projection"]
