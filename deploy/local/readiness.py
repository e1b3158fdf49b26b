"""When a program counts as ready: it answers, not merely runs."""

from __future__ import annotations

import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence

import psycopg2

from deploy.local.environment import child_environment, derived_values, ensure_secrets
from deploy.local.layout import PYTHON, Layout, StackError
from deploy.local.postgres import node_of
from deploy.local.postgres_roles import is_synchronous, superuser_session
from deploy.local.programs import WORKERS
from deploy.local.supervisor import FATAL, RUNNING, Supervisor

READY_SECONDS_MAX = 90
POLL_SECONDS = 0.1
# CQL protocol 5: a request without a body, and the answer's opcode.
CQL_OPTIONS = b"\x05\x00\x00\x00\x05\x00\x00\x00\x00"
CQL_SUPPORTED = b"\x06"


def wait_ready(layout: Layout, program: str, *, seconds_max: float = READY_SECONDS_MAX) -> None:
    """Return once the program answers; raise with the end of its log when it does not in time."""
    supervisor = Supervisor(layout)
    deadline = time.monotonic() + seconds_max
    probe = PROBES.get(program, _runs)
    while True:
        info = supervisor.state(program)
        if info["statename"] == RUNNING and probe(layout):
            return
        if info["statename"] == FATAL or time.monotonic() > deadline:
            state = f"{program} is {info['statename']} and not ready after {seconds_max:.0f} s"
            raise StackError(f"{state}; the end of {layout.log(program)}:\n{log_tail(layout, program)}")
        time.sleep(POLL_SECONDS)


def log_tail(layout: Layout, program: str, lines: int = 15) -> str:
    path = layout.log(program)
    if not path.exists():
        return "(no log)"
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])


def wait_workers(layout: Layout, roles: Sequence[str], *, seconds_max: float = READY_SECONDS_MAX) -> None:
    """Return once all these workers answer, asked together: one question costs half a second of a core."""
    deadline = time.monotonic() + seconds_max
    supervisor = Supervisor(layout)
    while True:
        states = {role: supervisor.state(role)["statename"] for role in roles}
        are_running = all(state == RUNNING for state in states.values())
        if are_running and workers_answer(layout, roles):
            return
        if time.monotonic() > deadline:
            tails = "\n".join(f"{layout.log(role)}:\n{log_tail(layout, role, 8)}" for role in roles)
            raise StackError(f"not all workers answer after {seconds_max:.0f} s ({states}):\n{tails}")
        time.sleep(POLL_SECONDS)


def _runs(layout: Layout) -> bool:
    return True


def primary_answers(layout: Layout) -> bool:
    """Whether the primary accepts sessions, writable or not yet."""
    try:
        with superuser_session(node_of(layout, "primary")) as cursor:
            cursor.execute("SELECT 1")
        return True
    except psycopg2.OperationalError:
        return False


def _standby_streams(layout: Layout) -> bool:
    try:
        return is_synchronous(node_of(layout, "primary")) or _streams_degraded(layout)
    except psycopg2.OperationalError:
        return False


def _streams_degraded(layout: Layout) -> bool:
    """While the stack runs degraded the standby is asynchronous until the guard takes it back."""
    with superuser_session(node_of(layout, "primary")) as cursor:
        cursor.execute(
            "SELECT 1 FROM pg_stat_replication WHERE state = 'streaming'"
            " AND current_setting('synchronous_standby_names') = ''"
        )
        return cursor.fetchone() is not None


def redis_call(layout: Layout, *words: str) -> bytes:
    """The raw answer of Redis to one command, after authentication; OSError when it cannot be reached."""
    lines = [_resp("AUTH", ensure_secrets(layout)["redis"]), _resp(*words)]
    with socket.create_connection(("127.0.0.1", layout.port("redis")), timeout=2) as session:
        session.sendall(b"".join(lines))
        answer = b""
        while not answer.startswith(b"+OK\r\n") or answer.count(b"\r\n") < 2:
            part = session.recv(4096)
            if not part:
                break
            answer += part
    return answer


def _resp(*words: str) -> bytes:
    parts = [f"*{len(words)}\r\n".encode()]
    parts += [b"$%d\r\n%s\r\n" % (len(word.encode()), word.encode()) for word in words]
    return b"".join(parts)


def _redis_answers(layout: Layout) -> bool:
    try:
        return redis_call(layout, "PING").endswith(b"+PONG\r\n")
    except OSError:
        return False


def _kafka_answers(layout: Layout) -> bool:
    if not port_answers(layout.port("kafka")):
        return False
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import AdminClient

    try:
        client = AdminClient({"bootstrap.servers": f"127.0.0.1:{layout.port('kafka')}", "log_level": 0})
        return len(client.list_topics(timeout=3).brokers) == 1
    except KafkaException:
        return False


def _cassandra_answers(layout: Layout) -> bool:
    """Whether it answers OPTIONS, the one question that needs no sign-in: on the first start there are no roles yet."""
    try:
        with socket.create_connection(("127.0.0.1", layout.port("cassandra cql")), timeout=5) as session:
            session.sendall(CQL_OPTIONS)
            return session.recv(9)[4:5] == CQL_SUPPORTED
    except OSError:
        return False


def port_answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def _provider_answers(layout: Layout) -> bool:
    return port_answers(layout.port("provider"))


def _web_answers(layout: Layout) -> bool:
    try:
        with urllib.request.urlopen(f"{layout.web_url}/livez", timeout=3) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.HTTPError):
        return False


def workers_answer(layout: Layout, roles: Sequence[str]) -> bool:
    """Whether all these Celery workers answer a ping, which they do once everything else of them has started."""
    names = [f"{role}@{socket.gethostname()}" for role in roles]
    # A command of its own: the broker's address goes by the environment, where no process list shows its password.
    environment = child_environment(layout) | {"CELERY_BROKER_URL": derived_values(layout)["REDIS_URL"]}
    command = [str(PYTHON.parent / "celery"), "inspect", "ping", "--json", "-t", "3", "-d", ",".join(names)]
    done = subprocess.run(command, cwd="/", env=environment, capture_output=True, text=True, timeout=30, check=False)
    return all(f'"{name}"' in done.stdout for name in names)


def _worker_answers(role: str) -> Callable[[Layout], bool]:
    return lambda layout: workers_answer(layout, [role])


PROBES: dict[str, Callable[[Layout], bool]] = {
    "postgres-primary": primary_answers,
    "postgres-standby": _standby_streams,
    "redis": _redis_answers,
    "kafka": _kafka_answers,
    "cassandra": _cassandra_answers,
    "provider": _provider_answers,
    "web": _web_answers,
} | {role: _worker_answers(role) for role in WORKERS}
