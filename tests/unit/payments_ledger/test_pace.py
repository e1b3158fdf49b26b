"""Work in portions, evenly over time."""

import pytest

from payments_ledger.pace import Pace


class Time:
    def __init__(self):
        self.now = 100.0

    def sleep(self, seconds):
        self.now += seconds


def pace_of(per_second, time):
    return Pace(per_second, clock=lambda: time.now, sleep=time.sleep)


@pytest.mark.parametrize(
    ("per_second", "items", "portions"), [(8, 5, [2, 2, 1]), (1, 2, [1, 1]), (10**9, 501, [500, 1])]
)
def test_a_portion_is_what_fits_into_a_quarter_of_a_second_and_at_least_one(per_second, items, portions):
    assert [len(portion) for portion in pace_of(per_second, Time()).portions(range(items))] == portions


def test_no_more_than_the_pace_goes_out():
    time = Time()
    pace = pace_of(10, time)

    given = [(time.now, list(portion)) for portion in pace.portions([1, 2, 3, 4, 5])]

    assert given == [(100.0, [1, 2]), (100.2, [3, 4]), (pytest.approx(100.4), [5])]


def test_time_that_was_not_used_is_not_made_up_for():
    time = Time()
    pace = pace_of(10, time)
    list(pace.portions([1]))
    time.now += 60

    given = [time.now for _ in pace.portions([1, 2, 3])]

    assert given == [pytest.approx(160.0), pytest.approx(160.2)]


def test_a_pace_of_nothing_is_refused():
    with pytest.raises(ValueError, match="above zero"):
        Pace(0)
