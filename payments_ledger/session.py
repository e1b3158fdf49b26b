"""The only door to Cassandra: one lazy session per process, prepared statements, LOCAL_QUORUM in every profile.

Nothing here runs at import or before a fork. A forked child never touches its parent's session (the driver would hang
for ever, even past its own timeout); it opens its own on first use.
"""

import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import structlog
from cassandra import AuthenticationFailed, ConsistencyLevel, DriverException, InvalidRequest
from cassandra.cluster import Cluster, ExecutionProfile, NoHostAvailable, ResponseFuture, ResultSet, Session
from cassandra.connection import ConnectionException
from cassandra.io.libevreactor import LibevConnection
from cassandra.policies import (
    ConstantReconnectionPolicy,
    ConstantSpeculativeExecutionPolicy,
    DCAwareRoundRobinPolicy,
    NoSpeculativeExecutionPolicy,
    SpeculativeExecutionPolicy,
    TokenAwarePolicy,
)
from cassandra.pool import NoConnectionsAvailable
from cassandra.query import PreparedStatement, dict_factory, tuple_factory
from django.conf import settings

from payments_ledger.errors import LedgerUnavailable

logger = structlog.get_logger(__name__)

# Profiles. LOOKUP answers people: dictionaries, and a second copy of a slow idempotent read. BULK moves many rows:
# tuples, patience, and no speculation, whose timer would cost more than it saves. Both are LOCAL_QUORUM: a lower level
# for reads would show mismatches that are none.
LOOKUP = "lookup"
BULK = "bulk"
LOOKUP_TIMEOUT_SECONDS = 5.0
BULK_TIMEOUT_SECONDS = 15.0
CONNECT_TIMEOUT_SECONDS = 2.0
RECONNECT_SECONDS = 1.0
# While Cassandra is down every caller hears so at once; one of them a second tries to connect again.
CONNECT_HOLDOFF_SECONDS = 1.0

_AWAY = (NoHostAvailable, NoConnectionsAvailable, ConnectionException, AuthenticationFailed, DriverException, OSError)


@dataclass(slots=True)
class _Door:
    """The state of one process: its session, what it has prepared, and when connecting last failed."""

    cluster: Cluster | None = None
    session: Session | None = None
    prepared: dict[str, PreparedStatement] = field(default_factory=dict)
    failed_at: float = float("-inf")
    failure: str = ""


_lock = threading.Lock()
_door = _Door()


def session() -> Session:
    """This process's session on the ledger's keyspace. Raises LedgerUnavailable, at once while Cassandra is down."""
    door = _door
    if door.session is None:
        with _lock:
            if door.session is None:
                _open(door)
    return door.session


def prepared(cql: str) -> PreparedStatement:
    """`cql` prepared once per process, marked idempotent: every statement of the ledger may be sent twice."""
    opened = session()
    statement = _door.prepared.get(cql)
    if statement is None:
        with unavailable_when_away():
            statement = opened.prepare(cql)
        statement.is_idempotent = True
        _door.prepared[cql] = statement
    return statement


def lookup(cql: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
    """Every row of a small answer, as dictionaries."""
    statement = prepared(cql)
    with unavailable_when_away():
        return list(session().execute(statement, parameters, execution_profile=LOOKUP))


def stream(cql: str, parameters: Sequence[Any] = (), *, page_rows: int = 5000) -> Iterator[tuple[Any, ...]]:
    """The rows of a large answer as tuples, a page in memory at a time."""
    bound = prepared(cql).bind(parameters)
    bound.fetch_size = page_rows
    with unavailable_when_away():
        rows: ResultSet = session().execute(bound, execution_profile=BULK)
        yield from rows


def submit(statement: Any) -> ResponseFuture:
    """Send a bound statement or batch without waiting. The future's result() raises the driver's own errors."""
    with unavailable_when_away():
        return session().execute_async(statement, execution_profile=BULK)


@contextmanager
def unavailable_when_away() -> Iterator[None]:
    """Turn the driver's many ways of saying "not now" into LedgerUnavailable.

    A timeout is among them: the write may have been applied, and the same write is simply sent again.
    """
    try:
        yield
    except _AWAY as error:
        raise LedgerUnavailable(f"Cassandra at {_address()}: {_sentence(error)}") from error


@contextmanager
def temporary(keyspace: str | None = None) -> Iterator[Session]:
    """A session of its own, closed at the end; for schema changes, which cannot assume that the keyspace exists."""
    cluster = _cluster()
    try:
        with unavailable_when_away():
            opened = cluster.connect(keyspace)
        yield opened
    finally:
        cluster.shutdown()


def ping() -> None:
    """Raise LedgerUnavailable unless a coordinator answers."""
    lookup("SELECT release_version FROM system.local")


def close() -> None:
    """Close this process's session, if it has one. The next use opens another."""
    global _door
    with _lock:
        door, _door = _door, _Door()
    if door.cluster is not None:
        door.cluster.shutdown()


def _open(door: _Door) -> None:
    if time.monotonic() - door.failed_at < CONNECT_HOLDOFF_SECONDS:
        raise LedgerUnavailable(door.failure)
    cluster = _cluster()
    try:
        with unavailable_when_away():
            opened = cluster.connect(settings.LEDGER["KEYSPACE"])
    except LedgerUnavailable as error:
        # A cluster whose first connect failed never recovers; the next attempt starts from a new one.
        cluster.shutdown()
        door.failed_at, door.failure = time.monotonic(), error.detail
        raise
    door.cluster, door.session = cluster, opened
    logger.info("ledger_session_opened", address=_address(), keyspace=settings.LEDGER["KEYSPACE"])


def _cluster() -> Cluster:
    return Cluster(
        contact_points=settings.LEDGER["HOSTS"],
        port=settings.LEDGER["PORT"],
        protocol_version=5,
        execution_profiles={
            LOOKUP: _profile(dict_factory, LOOKUP_TIMEOUT_SECONDS, ConstantSpeculativeExecutionPolicy(0.25, 1)),
            BULK: _profile(tuple_factory, BULK_TIMEOUT_SECONDS, NoSpeculativeExecutionPolicy()),
        },
        connection_class=LibevConnection,
        # Measured: lz4 took 170 µs a request, a quarter of all client time, to save bytes on a fast network.
        compression=False,
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        control_connection_timeout=CONNECT_TIMEOUT_SECONDS,
        # The default backs off up to ten minutes; an outage must end within seconds of the node's return.
        reconnection_policy=ConstantReconnectionPolicy(RECONNECT_SECONDS, max_attempts=None),
        idle_heartbeat_interval=10,
        idle_heartbeat_timeout=5,
        application_name="countinghouse",
        monitor_reporting_enabled=False,
    )


def _profile(
    row_factory: Any, timeout_seconds: float, speculative_execution: SpeculativeExecutionPolicy
) -> ExecutionProfile:
    return ExecutionProfile(
        load_balancing_policy=TokenAwarePolicy(DCAwareRoundRobinPolicy(local_dc=settings.LEDGER["LOCAL_DC"])),
        consistency_level=ConsistencyLevel.LOCAL_QUORUM,
        request_timeout=timeout_seconds,
        row_factory=row_factory,
        speculative_execution_policy=speculative_execution,
    )


def _address() -> str:
    return f"{','.join(settings.LEDGER['HOSTS'])}:{settings.LEDGER['PORT']}"


def _sentence(error: BaseException) -> str:
    if isinstance(error, NoHostAvailable):
        causes = {str(cause) for cause in error.errors.values()} if isinstance(error.errors, dict) else set()
        return f"no host answers ({'; '.join(sorted(causes))})" if causes else str(error)
    if isinstance(error, InvalidRequest):
        return f"{error} (has `manage.py ledger migrate` been run?)"
    return f"{type(error).__name__}: {error}"


def _start_afresh_in_child() -> None:
    # The parent's session is left alone, not shut down: its sockets are the parent's as well. Its lock may have been
    # held by another thread at the fork, and nobody would ever release it in the child.
    global _lock, _door
    _lock, _door = threading.Lock(), _Door()


# Cheaper than asking for the process id at every request, which costs a system call.
os.register_at_fork(after_in_child=_start_afresh_in_child)
