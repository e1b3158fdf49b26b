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
from cassandra import OperationTimedOut
from cassandra.cluster import Cluster, ResponseFuture, ResultSet, Session
from cassandra.query import PreparedStatement
from django.conf import settings

from payments_ledger.cluster import (
    BULK,
    LOOKUP,
    LOOKUP_TIMEOUT_SECONDS,
    address,
    credentials_of,
    new_cluster,
    unavailable_when_away,
)
from payments_ledger.errors import LedgerUnavailable
from payments_ledger.raw_rows import RawRowsProtocolHandler, make_raw

logger = structlog.get_logger(__name__)

# While Cassandra is down every caller hears so at once; one of them a second tries to connect again.
CONNECT_HOLDOFF_SECONDS = 1.0
# A node that is connected and does not answer would hold a thread of the web for a whole time-out with every look-up.
# After one that got no answer, a single caller in so many seconds asks on; the others hear at once that it is away.
STALL_HOLDOFF_SECONDS = LOOKUP_TIMEOUT_SECONDS


@dataclass(slots=True)
class _Door:
    """The state of one process: its session, what it has prepared, and when connecting or a look-up last failed."""

    cluster: Cluster | None = None
    session: Session | None = None
    prepared: dict[str, PreparedStatement] = field(default_factory=dict)
    failed_at: float = float("-inf")
    failure: str = ""
    unanswered_at: float | None = None


_lock = threading.Lock()
_door = _Door()


def session() -> Session:
    """This process's session on the ledger's keyspace. Raises LedgerUnavailable, at once while Cassandra is down."""
    door = _door
    if door.session is None:
        with _lock:
            door = _door
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


def prepared_raw(cql: str) -> PreparedStatement:
    """`cql` prepared like any other, except that the cells of its rows stay the server's bytes.

    For whole blocks read in bulk: building an object for each cell is most of the driver's work for a row.
    """
    key = f"{cql} -- raw"
    statement = _door.prepared.get(key)
    if statement is None:
        opened = session()
        with unavailable_when_away():
            statement = opened.prepare(cql)
        statement.is_idempotent = True
        make_raw(statement)
        _door.prepared[key] = statement
    return statement


def lookup(cql: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
    """Every row of a small answer, as dictionaries. Raises LedgerUnavailable, at once while a node does not answer."""
    door = _door
    _refuse_while_unanswered(door)
    try:
        statement = prepared(cql)
        with unavailable_when_away():
            rows = list(session().execute(statement, parameters, execution_profile=LOOKUP))
    except LedgerUnavailable as error:
        if isinstance(error.__cause__, OperationTimedOut):
            door.unanswered_at = time.monotonic()
        raise
    door.unanswered_at = None
    return rows


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
def temporary(keyspace: str | None = None, *, role: str = "owner") -> Iterator[Session]:
    """A session of its own, closed at the end, signed in as `role`.

    For schema changes, which are the owner's and cannot assume that the keyspace exists.
    """
    cluster = new_cluster(auth=credentials_of(role))
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


def _refuse_while_unanswered(door: _Door) -> None:
    if door.unanswered_at is None:
        return
    if time.monotonic() - door.unanswered_at < STALL_HOLDOFF_SECONDS:
        raise LedgerUnavailable(f"Cassandra at {address()} did not answer a moment ago")
    # This caller asks for all the others; two that come here at the same time are no harm.
    door.unanswered_at = time.monotonic()


def _open(door: _Door) -> None:
    if time.monotonic() - door.failed_at < CONNECT_HOLDOFF_SECONDS:
        raise LedgerUnavailable(door.failure)
    cluster = new_cluster()
    try:
        with unavailable_when_away():
            opened = cluster.connect(settings.LEDGER["KEYSPACE"])
    except LedgerUnavailable as error:
        # A cluster whose first connect failed never recovers; the next attempt starts from a new one.
        cluster.shutdown()
        door.failed_at, door.failure = time.monotonic(), error.detail
        raise
    # PREPARE takes the session's own time-out of ten seconds, which only a Cluster without profiles may set openly.
    opened._default_timeout = LOOKUP_TIMEOUT_SECONDS
    opened.client_protocol_handler = RawRowsProtocolHandler
    door.cluster, door.session = cluster, opened
    logger.info("ledger_session_opened", address=address(), keyspace=settings.LEDGER["KEYSPACE"])


def _start_afresh_in_child() -> None:
    # The parent's session is left alone, not shut down: its sockets are the parent's as well. Its lock may have been
    # held by another thread at the fork, and nobody would ever release it in the child.
    global _lock, _door
    _lock, _door = threading.Lock(), _Door()


# Cheaper than asking for the process id at every request, which costs a system call.
os.register_at_fork(after_in_child=_start_afresh_in_child)
