"""How far the delivery of an event to an endpoint is."""

from collections.abc import Sequence
from enum import StrEnum


class DeliveryState(StrEnum):
    PENDING = "pending"  # to be sent, or being sent under a lease
    SUCCEEDED = "succeeded"  # answered 2xx
    EXHAUSTED = "exhausted"  # every planned attempt failed; only a replay sends it again
    CANCELED = "canceled"  # its endpoint was deleted


def delay_after(failures: int, delays_seconds: Sequence[int]) -> int | None:
    """Seconds to wait after the failure of this number (from 1); None when no attempt is left."""
    return delays_seconds[failures - 1] if failures <= len(delays_seconds) else None
