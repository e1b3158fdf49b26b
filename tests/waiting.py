"""Waiting for something that happens elsewhere."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(probe: Callable[[], T | None], *, seconds_max: float = 30.0, what: str = "") -> T:
    """The first truthy value of `probe`; fails with the last one when there is none in time."""
    deadline = time.monotonic() + seconds_max
    while True:
        value = probe()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds_max} s: {what or probe}; last seen {value!r}")
        time.sleep(0.1)
