"""Which bucket of a booking day a payment's events fall in, and how many buckets a day needs."""

from math import ceil
from uuid import UUID
from zlib import crc32

# Bytes of an event in events_by_day before compression, measured: docs/partition-sizes.md.
ENTRY_BYTES = 230
# What a block is planned for. Sizes are bounded at 100 MB; the rest is for a peak that was guessed too low.
BLOCK_BYTES_AIM = 64_000_000
BUCKETS_MIN = 4
# The column is a smallint.
BUCKETS_MAX = 2**14


def bucket_of(payment_id: UUID, bucket_count: int) -> int:
    """CRC-32 of the lower-case hyphenated id, modulo the day's bucket count: the same on every machine, for ever."""
    return crc32(str(payment_id).encode("ascii")) % bucket_count


def buckets_for(*, peak_events: int, biggest_share: float) -> int:
    """The bucket count for a day of at most `peak_events`, of which one payment type has `biggest_share` (0 to 1).

    A power of two, so that a later count splits or joins whole buckets. Raises ValueError for a share outside 0 to 1,
    for a negative number of events, and for more events than the largest count can hold.
    """
    if not 0 < biggest_share <= 1 or peak_events < 0:
        raise ValueError(f"no day has {peak_events} events with a share of {biggest_share} for one type")
    needed = max(BUCKETS_MIN, ceil(peak_events * biggest_share * ENTRY_BYTES / BLOCK_BYTES_AIM))
    buckets = 1 << (needed - 1).bit_length()
    if buckets > BUCKETS_MAX:
        raise ValueError(f"{peak_events} events a day need {buckets} buckets, and a day has at most {BUCKETS_MAX}")
    return buckets
