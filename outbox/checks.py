"""Refuse at start-up a topic map that would break the order of events."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from outbox.lanes import LANES


@register("outbox")
def check_partition_counts(app_configs: Sequence[Any] | None, **kwargs: object) -> list[CheckMessage]:
    """A partition count that does not divide the number of lanes would split one lane over uneven partitions."""
    topics: dict[str, int] = settings.OUTBOX["TOPICS"]
    return [
        Error(
            f"OUTBOX TOPICS gives {name} {partitions} partitions, which does not divide {LANES}.",
            hint="Use 1, 2, 4, 8, 16, 32 or 64.",
            id="outbox.E001",
        )
        for name, partitions in topics.items()
        if partitions < 1 or LANES % partitions
    ]
