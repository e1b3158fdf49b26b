"""Identifiers: UUIDv7 for what is new, UUIDv5 for what follows from something else (RFC 9562)."""

from uuid import NAMESPACE_DNS, UUID, uuid5

import uuid_utils

# Namespaces are frozen for ever: every derived id in every store depends on them.
EVENT_NAMESPACE = uuid5(NAMESPACE_DNS, "events.countinghouse.invalid")
IMPORT_NAMESPACE = uuid5(NAMESPACE_DNS, "imports.countinghouse.invalid")


def new_id() -> UUID:
    """A time-ordered, unguessable id (UUIDv7)."""
    return UUID(bytes=uuid_utils.uuid7().bytes)


def event_id(aggregate_id: UUID, seq: int) -> UUID:
    """The id of the event with this sequence number: the same wherever and however often it is computed."""
    return uuid5(EVENT_NAMESPACE, f"{aggregate_id}:{seq}")
