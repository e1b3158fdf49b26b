"""Roles, grants, databases and replication slots of the stack's PostgreSQL. Every step may be repeated."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

import psycopg2
from psycopg2 import sql

from deploy.local.environment import ensure_secrets
from deploy.local.postgres import NODES, REPLICATOR, SUPERUSER, Node

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection
    from psycopg2.extensions import cursor as Cursor

OWNER = "countinghouse_owner"
APP = "countinghouse_app"


@contextlib.contextmanager
def superuser_session(node: Node, database: str = "postgres") -> Iterator[Cursor]:
    """A cursor of the superuser on one node, autocommit, that never waits for the standby."""
    session: Connection = psycopg2.connect(
        host="127.0.0.1",
        port=node.port,
        user=SUPERUSER,
        password=ensure_secrets(node.layout)["superuser"],
        dbname=database,
        connect_timeout=3,
        options="-c synchronous_commit=local -c client_min_messages=warning",
    )
    session.autocommit = True
    try:
        with session.cursor() as cursor:
            yield cursor
    finally:
        session.close()


def ensure_roles(node: Node) -> None:
    """Bring roles, passwords, grants and slots of the primary in line; template1 hands the grants to new databases."""
    secret = ensure_secrets(node.layout)
    with superuser_session(node) as cursor:
        _ensure_role(cursor, OWNER, "LOGIN", secret["owner"])
        _ensure_role(cursor, APP, "LOGIN", secret["app"])
        _ensure_role(cursor, REPLICATOR, "LOGIN REPLICATION", secret["replicator"])
        # Without pg_monitor the watermark would not see when other roles' transactions began.
        cursor.execute(f"GRANT pg_monitor TO {APP}, {OWNER}")
        cursor.execute(f"GRANT ALTER SYSTEM ON PARAMETER synchronous_standby_names TO {APP}")
        ensure_slots(cursor)
    ensure_grants(node, "template1")


def _ensure_role(cursor: Cursor, name: str, options: str, password: str) -> None:
    cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (name,))
    verb = "ALTER" if cursor.fetchone() else "CREATE"
    statement = sql.SQL("{verb} ROLE {name} {options} PASSWORD {password}").format(
        verb=sql.SQL(verb), name=sql.Identifier(name), options=sql.SQL(options), password=sql.Literal(password)
    )
    cursor.execute(statement)


def ensure_slots(cursor: Cursor) -> None:
    """A physical slot per node, on both nodes: whichever is promoted finds the slot its follower asks for."""
    for letter in NODES:
        slot = f"node_{letter}"
        cursor.execute(
            "SELECT pg_create_physical_replication_slot(%s)"
            " WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = %s)",
            (slot, slot),
        )


def ensure_grants(node: Node, database: str) -> None:
    """What the application role may do in one database: use the owner's tables, and reload the configuration."""
    with superuser_session(node, database) as cursor:
        cursor.execute(f"GRANT EXECUTE ON FUNCTION pg_reload_conf() TO {APP}")
        privileges = f"ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER} GRANT"
        cursor.execute(f"{privileges} SELECT, INSERT, UPDATE, DELETE ON TABLES TO {APP}")
        cursor.execute(f"{privileges} USAGE, SELECT ON SEQUENCES TO {APP}")


def ensure_database(node: Node, name: str) -> None:
    """Create the database, owned by the owner role, unless it exists."""
    with superuser_session(node) as cursor:
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,))
        if cursor.fetchone() is None:
            statement = sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), sql.Identifier(OWNER))
            cursor.execute(statement)


def drop_database(node: Node, name: str) -> None:
    """Drop the database and whoever is connected to it."""
    with superuser_session(node) as cursor:
        cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def is_synchronous(node: Node) -> bool:
    """Whether a synchronous standby streams from this node."""
    with superuser_session(node) as cursor:
        cursor.execute(
            "SELECT 1 FROM pg_stat_replication WHERE state = 'streaming' AND sync_state IN ('sync', 'quorum')"
        )
        return cursor.fetchone() is not None
