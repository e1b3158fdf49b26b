"""Processes beside this one that use the ledger. Imports nothing of Django before it is set up in the new process."""

import multiprocessing
import os
import threading
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import wait

import django


@contextmanager
def processes_of_their_own(count: int) -> Iterator[Executor]:
    """An executor of `count` processes, spawned, because a session of Cassandra must not pass through a fork."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(count, mp_context=context, initializer=_begin) as executor:
        yield executor


def _begin() -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    django.setup()


def _end_with_parent() -> None:
    # Without this a process whose parent was killed would wait for work for ever.
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
