"""Applies cassandra/migrations in order, each once, and refuses a file that changed after it was applied."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from string import Template
from typing import Any

import structlog
from cassandra import InvalidRequest
from cassandra.cluster import Session
from django.conf import settings

from core import clock
from payments_ledger import roles, session
from payments_ledger.cluster import LOOKUP, unavailable_when_away

logger = structlog.get_logger(__name__)

MIGRATIONS = Path(__file__).resolve().parent.parent / "cassandra" / "migrations"
BOOKKEEPING = "0000_bookkeeping.cql"
DDL_TIMEOUT_SECONDS = 30.0

_FILE_NAME = re.compile(r"(\d{4})_[a-z0-9_]+\.cql")
# Strings and comments are matched first, so that a semicolon inside one does not end the statement.
_TOKEN = re.compile(r"'(?:[^']|'')*'|--[^\n]*|//[^\n]*|/\*.*?\*/|;", re.DOTALL)


class SchemaError(Exception):
    """The migrations on disk and the ones applied do not fit together; nothing was applied."""


@dataclass(frozen=True, slots=True)
class Migration:
    name: str
    text: str

    @property
    def checksum(self) -> str:
        return sha256(self.text.encode()).hexdigest()

    def statements(self, *, keyspace: str, replication: str) -> list[str]:
        filled = Template(self.text).substitute(KEYSPACE=keyspace, REPLICATION=replication)
        return statements_of(filled)


def statements_of(text: str) -> list[str]:
    """The statements of a CQL text, comments removed."""
    statements, current, position = [], "", 0
    for token in _TOKEN.finditer(text):
        current += text[position : token.start()]
        position = token.end()
        if token.group() == ";":
            statements.append(current.strip())
            current = ""
        elif token.group().startswith("'"):
            current += token.group()
    rest = (current + text[position:]).strip()
    if rest:
        raise SchemaError(f"the last statement does not end with a semicolon: {rest[:60]!r}")
    return [statement for statement in statements if statement]


def load(folder: Path = MIGRATIONS) -> list[Migration]:
    """The migrations on disk, in order. Raises SchemaError unless they are numbered 0000, 0001, … without a gap."""
    found = []
    for number, path in enumerate(sorted(folder.glob("*.cql"))):
        match = _FILE_NAME.fullmatch(path.name)
        if match is None or int(match.group(1)) != number:
            raise SchemaError(f"{path.name} should be called {number:04d}_<what_it_does>.cql")
        found.append(Migration(name=path.name, text=path.read_text(encoding="utf-8")))
    if not found or found[0].name != BOOKKEEPING:
        raise SchemaError(f"{folder} must begin with {BOOKKEEPING}")
    return found


def pending(migrations: list[Migration], applied: Mapping[str, str]) -> list[Migration]:
    """The migrations still to apply, given name → checksum of those applied.

    Raises SchemaError when an applied one was changed, removed, or overtaken by an earlier-numbered new one.
    """
    known = {migration.name: migration for migration in migrations}
    for name, checksum in applied.items():
        if name not in known:
            raise SchemaError(f"{name} has been applied here, and is not on disk: is this an older release?")
        if known[name].checksum != checksum:
            raise SchemaError(f"{name} was changed after it had been applied: put it back, and add a new migration")
    todo = [migration for migration in migrations if migration.name not in applied]
    overtaken = [migration.name for migration in todo if applied and migration.name < max(applied)]
    if overtaken:
        raise SchemaError(f"{overtaken[0]} comes after {max(applied)} was applied: give it a higher number")
    return todo


def migrate(*, folder: Path = MIGRATIONS) -> list[str]:
    """Bring the keyspace of the settings to the newest schema; the names applied now, none when it was current.

    Grants are made anew each time, so that the roles see what a migration adds.
    Not safe against a second migrate at the same time: the caller holds a lock.
    """
    migrations = load(folder)
    names = {"keyspace": settings.LEDGER["KEYSPACE"], "replication": settings.LEDGER["REPLICATION"]}
    with session.temporary() as opened, unavailable_when_away():
        todo = pending(migrations, _applied(opened, names["keyspace"]))
        for migration in todo:
            for statement in migration.statements(**names):
                _execute(opened, statement)
            _remember(opened, names["keyspace"], migration)
            logger.info("ledger_migration_applied", migration=migration.name, keyspace=names["keyspace"])
        roles.grant(opened, keyspace=names["keyspace"])
    return [migration.name for migration in todo]


def _applied(opened: Session, keyspace: str) -> dict[str, str]:
    """Name → checksum of what has been applied; empty where the bookkeeping table is not there yet."""
    known = opened.cluster.metadata.keyspaces.get(keyspace)
    if known is None or "schema_migrations" not in known.tables:
        return {}
    rows = _execute(opened, f"SELECT name, checksum FROM {keyspace}.schema_migrations")
    return {row["name"]: row["checksum"] for row in rows}


def _remember(opened: Session, keyspace: str, migration: Migration) -> None:
    _execute(
        opened,
        f"INSERT INTO {keyspace}.schema_migrations (name, checksum, applied_at) VALUES (%s, %s, %s)",
        (migration.name, migration.checksum, clock.now()),
    )


def _execute(opened: Session, statement: str, parameters: tuple[Any, ...] | None = None) -> Any:
    try:
        return opened.execute(statement, parameters, execution_profile=LOOKUP, timeout=DDL_TIMEOUT_SECONDS)
    except InvalidRequest as error:
        raise SchemaError(f"Cassandra refuses {' '.join(statement.split())[:80]!r}: {error}") from error
