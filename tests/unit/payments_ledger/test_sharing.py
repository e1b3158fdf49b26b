"""Work shared among spawned processes: every unit once, errors come back, nothing outlives the parent."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from payments_ledger.errors import LedgerUnavailable
from payments_ledger.reconciliation import sharing
from tests.waiting import eventually

PROJECT = Path(__file__).resolve().parents[3]


def square(number):
    if number < 0:
        raise LedgerUnavailable("the unit was negative")
    return number * number, os.getpid()


@pytest.mark.parametrize("processes", [1, 2])
def test_every_unit_is_done_once(processes):
    done = list(sharing.results(square, iter(range(40)), processes=processes))

    assert sorted(result for result, _ in done) == [number * number for number in range(40)]
    assert (os.getpid() in {process for _, process in done}) == (processes == 1)


@pytest.mark.parametrize("processes", [1, 2])
def test_an_error_comes_back_as_itself(processes):
    with pytest.raises(LedgerUnavailable, match="the unit was negative"):
        list(sharing.results(square, [1, -1, 2], processes=processes))


def test_processes_end_with_a_parent_that_is_killed():
    program = (
        "import time\n"
        "from payments_ledger.reconciliation import sharing\n"
        "list(sharing.results(time.sleep, [60, 60], processes=2))\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], cwd=PROJECT)
    try:
        workers = eventually(lambda: two_workers_of(parent.pid), seconds_max=60, what="both processes work")
    finally:
        parent.kill()
        parent.wait()

    eventually(lambda: not any(is_worker(process) for process in workers), seconds_max=30, what="both have ended")


def two_workers_of(parent):
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    workers = [process for process in children if is_worker(process)]
    return workers if len(workers) == 2 else None


def is_worker(process):
    try:
        return b"spawn_main" in Path(f"/proc/{process}/cmdline").read_bytes()
    except FileNotFoundError:
        return False
