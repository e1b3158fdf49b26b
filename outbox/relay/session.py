"""The relay's connection to PostgreSQL: direct, autocommit, and never waiting for a standby."""

import select
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import psycopg2
import psycopg2.extensions
from django.db import DEFAULT_DB_ALIAS, connections

from outbox.doorbell import CHANNEL

APPLICATION = "outbox-relay"

_BYTEA_OID = 17
_BYTES = psycopg2.extensions.new_type(
    (_BYTEA_OID,), "BYTES", lambda value, cursor: None if value is None else bytes(psycopg2.BINARY(value, cursor))
)

_SETTINGS = (
    # A relay that waited for the standby could not be told from one that is stuck, and must not be terminated.
    "SET synchronous_commit = local",
    "SET statement_timeout = '120s'",
    "SET lock_timeout = '5s'",
    # Every statement of the relay has an index. Without statistics yet, the planner would read the whole table.
    "SET enable_seqscan = off",
    "SET jit = off",
    "SET max_parallel_workers_per_gather = 0",
    f"LISTEN {CHANNEL}",
)


class Session:
    """One connection; any psycopg2.Error from it means that the lanes are lost and a new session is needed."""

    def __init__(self, instance_id: UUID, *, using: str = DEFAULT_DB_ALIAS) -> None:
        self._connection = psycopg2.connect(**_parameters(instance_id, using))
        self._connection.autocommit = True
        psycopg2.extensions.register_type(_BYTES, self._connection)
        self._cursor = self._connection.cursor()
        for statement in _SETTINGS:
            self._cursor.execute(statement)

    def rows(self, statement: str, parameters: Mapping[str, Any] | Sequence[Any] | None = None) -> list[Any]:
        # psycopg2 puts the values into the text, so the server plans for these values; a prepared poll with a
        # generic plan was measured 250 times slower.
        self._cursor.execute(statement, parameters)
        return self._cursor.fetchall()

    def run(self, statement: str, parameters: Mapping[str, Any] | Sequence[Any] | None = None) -> None:
        self._cursor.execute(statement, parameters)

    def wait_for_doorbell(self, seconds: float) -> bool:
        """Whether it rang within so many seconds, or since the last call."""
        if not self._take_notifies() and seconds > 0:
            readable, _, _ = select.select([self._connection], [], [], seconds)
            if readable:
                self._connection.poll()
            return self._take_notifies()
        return True

    def close(self) -> None:
        self._connection.close()

    def _take_notifies(self) -> bool:
        rang = bool(self._connection.notifies)
        self._connection.notifies.clear()
        return rang


def application_name(instance_id: UUID) -> str:
    """Names the session in pg_stat_activity, so that a reused process id is never taken for a relay."""
    return f"{APPLICATION} {instance_id}"


def _parameters(instance_id: UUID, using: str) -> dict[str, Any]:
    parameters = dict(connections[using].get_connection_params())
    parameters.pop("cursor_factory", None)
    parameters.setdefault("target_session_attrs", "read-write")
    parameters.setdefault("connect_timeout", 5)
    return {
        **parameters,
        "application_name": application_name(instance_id),
        "keepalives": 1,
        "keepalives_idle": 2,
        "keepalives_interval": 1,
        "keepalives_count": 3,
        "tcp_user_timeout": 5000,
    }
