"""Everything the outbox refuses, each with its cause and its remedy in the docstring, which is also the message."""

from typing import ClassVar


class OutboxError(Exception):
    """The outbox refused."""

    retryable: ClassVar[bool] = False

    def __init__(self, **facts: object) -> None:
        self.facts = facts
        known = ", ".join(f"{name}={value!r}" for name, value in facts.items())
        reason = " ".join((self.__doc__ or "").split())
        super().__init__(f"{reason} ({known})" if known else reason)


class OutsideTransaction(OutboxError):
    """An event was emitted outside a transaction: emit it inside the atomic block that makes the change it tells of."""


class PayloadTooLarge(OutboxError):
    """The body of an event exceeds the limit: put a reference into the event instead of the data."""


class UnknownAggregateType(OutboxError):
    """The aggregate type has no topic: add it to settings.OUTBOX["TOPICS"] and run `manage.py create_topics`."""


class WrongAggregateType(OutboxError):
    """The event is registered for another aggregate type than the one it was emitted for."""


class InvalidKey(OutboxError):
    """The key of an event must be the id of its aggregate, a UUID."""


class InvalidSequence(OutboxError):
    """The sequence number of an event must be 1 or more: take it from UPDATE … SET seq = seq + 1 … RETURNING seq."""


class InvalidEventType(OutboxError):
    """An event type must read context.aggregate.past_tense_verb.vN, in the context of its aggregate type."""


class DuplicateEventType(OutboxError):
    """Two classes are registered under one event type: rename one or raise its version."""


class NotFrozenDataclass(OutboxError):
    """Only a frozen dataclass can be an event: put @dataclass(frozen=True, slots=True) below @event."""


class UnregisteredEvent(OutboxError):
    """The class of this event is not registered: decorate it with @event."""


class NotCanonical(OutboxError):
    """The value has no canonical form: use integers, strings, booleans, UUIDs, dates and aware datetimes only."""


class MalformedMessage(OutboxError):
    """A Kafka message lacks the key or headers that the relay always sends: something else wrote to the topic."""


class TopicReplaced(OutboxError):
    """The topic or the cluster is not the one the stored offsets belong to: run `manage.py outbox doctor`."""
