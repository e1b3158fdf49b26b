"""`make test`: a stack of its own, a fresh run in it, pytest, and everything stopped again."""

from __future__ import annotations

import contextlib
import fcntl
import secrets
import shutil
import signal
import subprocess
from collections.abc import Iterator
from types import FrameType

from deploy.local import lifecycle
from deploy.local.environment import child_environment, read_env, write_env
from deploy.local.layout import PROJECT_ROOT, PYTHON, Layout
from deploy.local.postgres import node_of
from deploy.local.postgres_roles import drop_database
from deploy.local.supervisor import Supervisor, say

PYTEST_STOP_SECONDS = 30


def run_tests(layout: Layout, pytest_arguments: list[str]) -> int:
    """Run pytest against real servers and return its exit code.

    Servers that already run are used and left running; otherwise they are started on empty data and stopped again.
    The app's processes always belong to this run: its own database, keyspace, topics and consumer groups.
    """
    with only_run(layout), stopped_by_signals():
        lifecycle.check_installation(layout)
        starts_servers = Supervisor(layout).pid() is None
        try:
            if starts_servers:
                lifecycle.end_leftovers(layout)
                lifecycle.wipe(layout)
            else:
                lifecycle.stop_apps(layout)
                # The provider's log is one of this run's books; another run's purchases would be breaks in them.
                shutil.rmtree(layout.home / "provider", ignore_errors=True)
            run = f"r{secrets.token_hex(4)}"
            write_env(layout, run_values(layout, run))
            lifecycle.bring_up(layout, dies_with_caller=starts_servers)
            return run_pytest(layout, pytest_arguments)
        finally:
            if starts_servers:
                lifecycle.bring_down(layout)
            elif Supervisor(layout).pid() is not None:
                lifecycle.stop_apps(layout)
                drop_database(node_of(layout, "primary"), read_env(layout.env_file)["POSTGRES_DB"])


def run_values(layout: Layout, run: str) -> dict[str, str]:
    """What sets one test run apart from every other on the same servers."""
    return {
        "POSTGRES_DB": f"countinghouse_{run}",
        "CASSANDRA_KEYSPACE": f"ledger_{run}",
        "LEDGER_SEALS_FILE": str(layout.home / f"ledger_{run}.seals"),
        "KAFKA_TOPIC_PREFIX": f"{run}.",
        "KAFKA_GROUP_PREFIX": f"{run}.",
    }


def run_pytest(layout: Layout, arguments: list[str]) -> int:
    """pytest as a child that ends with this process."""
    command = ["/usr/bin/setpriv", "--pdeathsig", "TERM", "--", str(PYTHON), "-m", "pytest", *arguments]
    process = subprocess.Popen(command, cwd=PROJECT_ROOT, env=child_environment(layout))
    try:
        return process.wait()
    except BaseException:
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(PYTEST_STOP_SECONDS)
        process.kill()
        raise


@contextlib.contextmanager
def only_run(layout: Layout) -> Iterator[None]:
    """One test run at a time; a second one waits and says so."""
    layout.make_folders()
    # Outside the stack's folder, which the run empties.
    with open(layout.root / ".local" / f"{layout.name}.run-lock", "w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another test run is using the test stack: waiting for it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def stopped_by_signals() -> Iterator[None]:
    """SIGTERM and SIGHUP end the run like an interrupt does, so that the stack is stopped on every way out."""

    def interrupt(signal_number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt(f"signal {signal_number}")

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
