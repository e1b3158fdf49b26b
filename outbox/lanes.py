"""Lane and partition of an aggregate: the one place where the order of events is tied to a number."""

from zlib import crc32

# Ordering and ownership are counted in lanes; changing this number means draining every lane first.
LANES = 64


def lane_of(key: str) -> int:
    """The lane (0 to 63) of an aggregate, from the lower-case hyphenated text of its UUID.

    crc32 and never hash(): the lane is stored, so it must be the same in every process and release.
    """
    return crc32(key.encode()) % LANES


def partition_of(key: str, partitions: int) -> int:
    """The Kafka partition of an aggregate in a topic of so many partitions (a divisor of 64)."""
    return lane_of(key) % partitions
