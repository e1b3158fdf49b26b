"""Bringing a stack up and down, and repairing what a crash left behind."""

from __future__ import annotations

import contextlib
import fcntl
import shutil
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from deploy.local import app, cassandra, kafka, redis
from deploy.local.database import start_postgres
from deploy.local.environment import write_env
from deploy.local.layout import PORT_OFFSETS, PYTHON, Layout, StackError
from deploy.local.processes import end_process, holder_of, is_port_free, processes_naming
from deploy.local.programs import APPS, PROGRAMS, SERVERS
from deploy.local.readiness import wait_ready
from deploy.local.supervisor import Supervisor, say

LEFTOVER_PATIENCE_SECONDS = 5


@contextlib.contextmanager
def stack_lock(layout: Layout) -> Iterator[None]:
    """Only one command at a time may start, stop or promote a stack; a second one waits and says so."""
    layout.make_folders()
    with open(layout.run / "lock", "w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"another command is working on the {layout.name} stack: waiting for it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def bring_up(layout: Layout, *, servers_only: bool = False, dies_with_caller: bool = False) -> None:
    """Start what does not run and return when everything answers. Safe to repeat; a half-dead stack is repaired."""
    began = time.monotonic()
    with stack_lock(layout):
        check_installation(layout)
        write_env(layout)
        ensure_supervisor(layout, dies_with_caller=dies_with_caller)
        with ThreadPoolExecutor(max_workers=8) as pool:
            servers = {
                "postgres": pool.submit(start_postgres, layout),
                "redis": pool.submit(_start_server, layout, "redis"),
                "kafka": pool.submit(_start_server, layout, "kafka"),
                "cassandra": pool.submit(_start_server, layout, "cassandra"),
            }
            for future in servers.values():
                future.result()
        if not servers_only:
            app.prepare_stores(layout)
            app.start_programs(layout)
    parts = SERVERS if servers_only else PROGRAMS
    say(f"{layout.name} stack is up: {len(parts)} programs ready in {time.monotonic() - began:.1f} s")


def check_installation(layout: Layout) -> None:
    """Raise when set-up has not been run."""
    missing = [str(path) for path in (PYTHON, layout.jars / "kafka", layout.jars / "cassandra") if not path.exists()]
    if missing:
        raise StackError(f"not installed: {', '.join(missing)}. Run `make setup` first.")


def ensure_supervisor(layout: Layout, *, dies_with_caller: bool = False) -> None:
    """A running supervisor of this stack, started when there is none, on ports nobody else holds."""
    if Supervisor(layout).pid() is not None:
        return
    end_leftovers(layout)
    check_ports(layout)
    redis.prepare(layout)
    cassandra.prepare(layout)
    (layout.home / "provider").mkdir(exist_ok=True)
    Supervisor(layout).launch(dies_with_caller=dies_with_caller)


def end_leftovers(layout: Layout, *, patience_seconds: float = LEFTOVER_PATIENCE_SECONDS) -> None:
    """End processes of this stack whose supervisor is gone; the kernel has already told them to stop."""
    deadline = time.monotonic() + patience_seconds
    while (leftovers := processes_naming(f"{layout.home}/")) and time.monotonic() < deadline:
        time.sleep(0.1)
    for process in leftovers:
        say(f"ending a leftover of an earlier {layout.name} stack: pid {process.pid} ({process.command[:80]})")
        is_postgres = f"{layout.home}/postgres/" in process.command
        end_process(process.pid, first=signal.SIGINT if is_postgres else signal.SIGTERM)


def check_ports(layout: Layout) -> None:
    """Raise naming every port of the stack that something else holds, and what holds it."""
    lines = []
    # A process that is dying is a zombie already and may still hold its sockets for a moment.
    deadline = time.monotonic() + LEFTOVER_PATIENCE_SECONDS
    for role in PORT_OFFSETS:
        port = layout.port(role)
        while not (is_free := is_port_free(port)) and holder_of(port) is None and time.monotonic() < deadline:
            time.sleep(0.1)
        if is_free:
            continue
        holder = holder_of(port)
        who = f"pid {holder.pid} ({holder.command[:100]})" if holder else "a process that cannot be seen from here"
        lines.append(f"  port {port} ({role}) is held by {who}")
    if lines:
        advice = f"End what holds them, or move the stack: PORT_BASE=<number> make up (now {layout.port_base})."
        raise StackError("\n".join([f"the {layout.name} stack needs ports that are in use:", *lines, advice]))


def _start_server(layout: Layout, program: str) -> None:
    if program == "kafka":
        kafka.prepare(layout)
    Supervisor(layout).start(program)
    wait_ready(layout, program)


def bring_down(layout: Layout) -> None:
    """Stop everything this stack started, the app first, and nothing else."""
    with stack_lock(layout):
        supervisor = Supervisor(layout)
        if supervisor.pid() is not None:
            supervisor.stop_all(list(APPS))
            # The primary ends first and hands its last WAL to the standby before it goes.
            supervisor.stop_all(["postgres-primary", "redis", "kafka", "cassandra"])
            supervisor.stop_all(["postgres-standby"])
            supervisor.shut_down()
        end_leftovers(layout)
    say(f"{layout.name} stack is down")


def stop_apps(layout: Layout) -> None:
    """Stop the app's processes and leave the servers running."""
    Supervisor(layout).stop_all(list(APPS))


def wipe(layout: Layout) -> None:
    """Delete the stack's data, logs and secrets; it must be down."""
    if Supervisor(layout).pid() is not None:
        raise StackError(f"the {layout.name} stack is running: its data cannot be deleted")
    keep = layout.run / "lock"
    for entry in layout.home.iterdir() if layout.home.exists() else []:
        if entry == layout.run:
            for file in layout.run.iterdir():
                if file != keep:
                    file.unlink()
        elif entry.is_dir():
            shutil.rmtree(entry)
        else:
            entry.unlink()
