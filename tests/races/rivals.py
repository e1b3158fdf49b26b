"""Many clients at the same thing at the same moment."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

import httpx

from tests.waiting import eventually

T = TypeVar("T")
# As many as the web processes have threads, and as many again that wait at the door.
AT_ONCE = 32


def all_at_once(acts: Sequence[Callable[[], T]]) -> list[T]:
    """What each act returned. The first AT_ONCE of them start together."""
    start = Barrier(min(AT_ONCE, len(acts)))

    def run(number: int) -> T:
        if number < start.parties:
            start.wait(30)
        return acts[number]()

    with ThreadPoolExecutor(min(AT_ONCE, len(acts))) as pool:
        return list(pool.map(run, range(len(acts))))


def until_answered(send: Callable[[], httpx.Response]) -> httpx.Response:
    """The answer once it is none that asks for a retry of the same request."""

    def probe() -> httpx.Response | None:
        answer = send()
        assert answer.status_code < 500, answer.text
        return None if answer.status_code == 409 and answer.json()["retryable"] else answer

    return eventually(probe, seconds_max=60, what="an answer that asks for no retry")
