"""The relay sends outbox messages to Kafka in order, at least once, and moves a cursor over what was acknowledged."""

from outbox.relay.run import Relay

__all__ = ["Relay"]
