"""What became of an event that a payment provider sent."""

from enum import StrEnum


class EventOutcome(StrEnum):
    APPLIED = "applied"  # it moved something
    UNCHANGED = "unchanged"  # what it tells was recorded before
    MISMATCH = "mismatch"  # it contradicts what we asked for; nothing was recorded, a person must look
    UNMATCHED = "unmatched"  # it is about something we do not know; nothing was recorded, a person must look
    IGNORED = "ignored"  # nobody here reads events of this type


# Outcomes after which our books and the provider's may differ.
ALARMING_OUTCOMES = frozenset({EventOutcome.MISMATCH, EventOutcome.UNMATCHED})
