"""What a stack is doing, for a person to read."""

from __future__ import annotations

import os
import sys
import time

import psycopg2

from deploy.local.layout import Layout, StackError
from deploy.local.postgres import node_of
from deploy.local.postgres_roles import superuser_session
from deploy.local.processes import children_of, proportional_memory_bytes
from deploy.local.programs import PROGRAMS
from deploy.local.supervisor import RUNNING, Supervisor

MEBIBYTE = 1024 * 1024


def show_status(layout: Layout) -> int:
    """Print a table of the programs; 0 when all run, 3 when some do not, like supervisorctl."""
    supervisor = Supervisor(layout)
    supervisor_pid = supervisor.pid()
    if supervisor_pid is None:
        print(f"{layout.name} stack is down (make up starts it)")
        return 3
    states = supervisor.states()
    total = tree_memory(supervisor_pid)
    print(f"{'program':<18}{'state':<10}{'pid':>8}{'up':>10}{'MiB':>7}  where")
    for name in PROGRAMS:
        info = states[name]
        is_running = info["statename"] == RUNNING
        age = age_text(info["now"] - info["start"]) if is_running else "-"
        memory = f"{tree_memory(info['pid']) // MEBIBYTE}" if is_running else "-"
        where = place(layout, name) if is_running else info["spawnerr"] or "-"
        print(f"{name:<18}{info['statename']:<10}{info['pid'] or '-':>8}{age:>10}{memory:>7}  {where}")
    print(f"{'all together':<46}{total // MEBIBYTE:>7}  logs in {os.path.relpath(layout.logs)}")
    if layout.standby_mark.exists():
        print(f"DEGRADED: the standby must not be promoted ({layout.standby_mark.read_text().strip()})")
    return 0 if all(states[name]["statename"] == RUNNING for name in PROGRAMS) else 3


def tree_memory(pid: int) -> int:
    """PSS of a process and all its descendants, in bytes."""
    return proportional_memory_bytes(pid) + sum(tree_memory(child) for child in children_of(pid))


def age_text(seconds: int) -> str:
    hours, rest = divmod(max(seconds, 0), 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}"


def place(layout: Layout, program: str) -> str:
    """Where the program answers and, for PostgreSQL, which part it plays."""
    if program == "web":
        return layout.web_url
    if program in ("redis", "kafka", "provider"):
        return f"127.0.0.1:{layout.port(program)}"
    if program == "cassandra":
        return f"127.0.0.1:{layout.port('cassandra cql')}"
    if program.startswith("postgres-"):
        node = node_of(layout, program.removeprefix("postgres-"))
        return f"127.0.0.1:{node.port} node {node.letter}, {replication_text(layout, program)}"
    return ""


def replication_text(layout: Layout, program: str) -> str:
    try:
        with superuser_session(node_of(layout, program.removeprefix("postgres-"))) as cursor:
            cursor.execute("SELECT pg_is_in_recovery()")
            (in_recovery,) = cursor.fetchone() or (None,)
            if in_recovery:
                cursor.execute("SELECT status FROM pg_stat_wal_receiver")
                row = cursor.fetchone()
                return f"standby, {row[0] if row else 'not connected to the primary'}"
            cursor.execute("SELECT sync_state FROM pg_stat_replication WHERE application_name = 'standby'")
            row = cursor.fetchone()
            return f"primary, standby is {row[0] if row else 'away'}"
    except psycopg2.OperationalError as error:
        return f"does not answer: {str(error).splitlines()[0]}"


def follow_log(layout: Layout, program: str | None) -> int:
    """Print the end of a program's log and follow it until interrupted; without a program, list the logs."""
    if program is None:
        for name in (*PROGRAMS, "supervisor"):
            path = layout.log(name)
            print(f"{name:<18}{os.path.relpath(path)}" + ("" if path.exists() else "  (not there)"))
        print("make logs PROGRAM=web shows one of them")
        return 0
    path = layout.log(program)
    if not path.exists():
        raise StackError(f"there is no log of {program!r}; programs are {', '.join(PROGRAMS)}")
    with open(path, errors="replace") as log:
        sys.stdout.writelines(log.readlines()[-50:])
        try:
            while sys.stdout.isatty():
                sys.stdout.write(log.read())
                sys.stdout.flush()
                time.sleep(0.3)
        except KeyboardInterrupt:
            pass
    return 0
