"""Booking days, for people."""

from collections.abc import Iterable
from datetime import date, timedelta

ONE_DAY = timedelta(days=1)


def spans_of(days: Iterable[date]) -> str:
    """Every one of the days, neighbours as one span: "2010-01-04 to 2010-01-06, 2010-01-09"."""
    spans: list[list[date]] = []
    for day in sorted(set(days)):
        if spans and spans[-1][1] + ONE_DAY == day:
            spans[-1][1] = day
        else:
            spans.append([day, day])
    return ", ".join(str(first) if first == last else f"{first} to {last}" for first, last in spans)
