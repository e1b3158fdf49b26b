"""Lanes and partitions: numbers that are stored, so they may never change."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from outbox.checks import check_partition_counts
from outbox.lanes import lane_of, partition_of


@pytest.mark.parametrize(
    ("key", "lane"),
    [
        ("00000000-0000-0000-0000-000000000000", 9),
        ("01890000-0000-7000-8000-00000000000a", 38),
        ("ffffffff-ffff-ffff-ffff-ffffffffffff", 15),
    ],
)
def test_the_lane_of_a_key_is_the_same_for_ever(key: str, lane: int) -> None:
    assert lane_of(key) == lane


@given(st.uuids(), st.sampled_from([1, 2, 4, 8, 16, 32, 64]))
def test_all_keys_of_a_lane_are_in_one_partition(key: UUID, partitions: int) -> None:
    assert partition_of(str(key), partitions) == lane_of(str(key)) % partitions


def test_lanes_are_used_evenly() -> None:
    counts = [0] * 64
    for number in range(6400):
        counts[lane_of(str(UUID(int=number * 7919)))] += 1

    assert min(counts) > 50
    assert max(counts) < 150


def test_a_partition_count_that_does_not_divide_the_lanes_is_refused(settings: Settings) -> None:
    settings.OUTBOX = {**settings.OUTBOX, "TOPICS": {"orders.order": 4, "payments.payment": 6, "a.b": 0}}

    errors = check_partition_counts(None)

    assert [error.id for error in errors] == ["outbox.E001", "outbox.E001"]
    assert "payments.payment 6 partitions" in errors[0].msg
