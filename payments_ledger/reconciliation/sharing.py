"""Work shared among processes of its own: spawned, never forked, because a session does not survive a fork.

Imported by those processes before Django is set up, so nothing of Django is imported here at the top.
"""

import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from itertools import islice
from threading import Thread
from typing import TypeVar

Unit = TypeVar("Unit")
Result = TypeVar("Result")

# Units handed out beyond those being worked on, so that no process waits for the next.
UNITS_AHEAD_MAX = 2


def results(work: Callable[[Unit], Result], units: Iterable[Unit], *, processes: int) -> Iterator[Result]:
    """The result of each unit, in the order in which they are done; in this process when `processes` is 1.

    `work`, the units and the results must be picklable. Memory is bounded by the units under way, so `units` may be a
    generator. What `work` raises is raised here, and the rest is not begun.
    """
    if processes == 1:
        yield from map(work, units)
        return
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(processes, mp_context=context, initializer=_begin)
    try:
        remaining = iter(units)
        under_way: set[Future[Result]] = set()
        while True:
            room = processes + UNITS_AHEAD_MAX - len(under_way)
            under_way |= {pool.submit(work, unit) for unit in islice(remaining, room)}
            if not under_way:
                return
            done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _begin() -> None:
    Thread(target=_end_with_parent, daemon=True).start()
    import django

    django.setup()


def _end_with_parent() -> None:
    """A parent that is killed cannot end its processes, which would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
