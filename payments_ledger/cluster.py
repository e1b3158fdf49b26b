"""How this project talks to Cassandra: the driver's settings, and its many errors as one."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cassandra import AuthenticationFailed, ConsistencyLevel, DriverException, InvalidRequest
from cassandra.auth import PlainTextAuthProvider
from cassandra.cluster import Cluster, ExecutionProfile, NoHostAvailable
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
from cassandra.query import dict_factory, tuple_factory
from django.conf import settings

from payments_ledger.errors import LedgerUnavailable

# Profiles. LOOKUP answers people: dictionaries, and a second copy of a slow idempotent read. BULK moves many rows:
# tuples, patience, and no speculation, whose timer would cost more than it saves. Both are LOCAL_QUORUM: a lower level
# for reads would show mismatches that are none.
LOOKUP = "lookup"
BULK = "bulk"
LOOKUP_TIMEOUT_SECONDS = 4.0
BULK_TIMEOUT_SECONDS = 15.0
CONNECT_TIMEOUT_SECONDS = 2.0
RECONNECT_SECONDS = 1.0

_MIGRATED = "(has `manage.py ledger migrate` been run?)"
_AWAY = (NoHostAvailable, NoConnectionsAvailable, ConnectionException, AuthenticationFailed, DriverException, OSError)


def _is_news(record: logging.LogRecord) -> bool:
    # The driver tells this with a traceback at every attempt; LedgerUnavailable says the same in one sentence.
    return not record.getMessage().startswith("Control connection failed to connect")


logging.getLogger("cassandra.cluster").addFilter(_is_news)


def new_cluster(*, auth: PlainTextAuthProvider | None = None) -> Cluster:
    """A cluster with both profiles, not connected yet; it signs in as this process's role unless `auth` is given."""
    return Cluster(
        contact_points=settings.LEDGER["HOSTS"],
        port=settings.LEDGER["PORT"],
        auth_provider=auth or credentials_of(settings.LEDGER["ROLE"]),
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


def credentials_of(role: str) -> PlainTextAuthProvider | None:
    """How `role` (owner, writer, reader, analyst) signs in; None where the settings hold no password for it."""
    password = settings.LEDGER["PASSWORDS"][role]
    return PlainTextAuthProvider(settings.LEDGER["USERS"][role], password) if password else None


@contextmanager
def unavailable_when_away() -> Iterator[None]:
    """Turn the driver's many ways of saying "not now" into LedgerUnavailable.

    A timeout is among them: the write may have been applied, and the same write is simply sent again.
    """
    try:
        yield
    except _AWAY as error:
        raise LedgerUnavailable(f"Cassandra at {address()}: {_sentence(error)}") from error


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


def address() -> str:
    """Where the settings say Cassandra is, for people."""
    return f"{','.join(settings.LEDGER['HOSTS'])}:{settings.LEDGER['PORT']}"


def _sentence(error: BaseException) -> str:
    if isinstance(error, NoHostAvailable):
        if not isinstance(error.errors, dict):
            # The hosts answer, and none of them knows the keyspace.
            return f"{error.args[0]} {_MIGRATED}"
        causes = sorted({str(cause) for cause in error.errors.values()})
        return f"no host answers ({'; '.join(causes)})" if causes else str(error)
    if isinstance(error, InvalidRequest):
        return f"{error} {_MIGRATED}"
    return f"{type(error).__name__}: {error}"
