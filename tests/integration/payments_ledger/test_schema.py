"""The migrations on a real Cassandra: they make what schema.cql shows, once, and nothing else."""

import re
import uuid
from pathlib import Path

import pytest

from payments_ledger import schema, session

SCHEMA_CQL = Path(schema.MIGRATIONS).parent / "schema.cql"
TABLES = sum(migration.text.count("CREATE TABLE") for migration in schema.load())


@pytest.fixture
def keyspace(settings):
    name = f"schema_{uuid.uuid4().hex[:12]}"
    settings.LEDGER = {**settings.LEDGER, "KEYSPACE": name}
    yield name
    # Nobody may drop what nobody has made.
    with session.temporary() as opened:
        made = [keyspace for keyspace in (name, f"{name}_b") if keyspace in opened.cluster.metadata.keyspaces]
    by_hand(*(f"DROP KEYSPACE {keyspace}" for keyspace in made))


def by_hand(*statements):
    with session.temporary() as opened:
        for statement in statements:
            opened.execute(statement, execution_profile=session.LOOKUP, timeout=30)


def described(name):
    """CREATE statements of a keyspace, its name and its replication taken out."""
    with session.temporary() as opened:
        rows = opened.execute(f"DESCRIBE KEYSPACE {name}", execution_profile=session.LOOKUP)
        text = "\n".join(row["create_statement"] for row in rows)
    return re.sub(r"replication = \{[^}]*\}", "replication = ...", text).replace(name, "the_keyspace")


def test_schema_cql_is_what_the_migrations_make(keyspace):
    applied = schema.migrate()
    migrated = described(keyspace)
    by_hand(*schema.statements_of(SCHEMA_CQL.read_text().replace("payments_ledger", f"{keyspace}_b")))

    assert applied == [migration.name for migration in schema.load()]
    assert described(f"{keyspace}_b") == migrated
    assert migrated.count("CREATE TABLE") == TABLES


def test_migrations_are_applied_once_and_a_changed_file_is_refused(keyspace, tmp_path):
    for migration in schema.load():
        (tmp_path / migration.name).write_text(migration.text)
    bookkeeping, record = schema.load()[:2]
    # As an interrupted run leaves it: a part of the statements is applied, and not remembered.
    names = {"keyspace": keyspace, "replication": "{'class': 'NetworkTopologyStrategy', 'datacenter1': 1}"}
    by_hand(*bookkeeping.statements(**names), record.statements(**names)[0])

    assert schema.migrate(folder=tmp_path) == [migration.name for migration in schema.load()]
    assert schema.migrate(folder=tmp_path) == []

    (tmp_path / "0001_record.cql").write_text("CREATE TABLE IF NOT EXISTS ${KEYSPACE}.other (a int PRIMARY KEY);")
    number = len(schema.load())
    (tmp_path / f"{number:04d}_more.cql").write_text("CREATE TABLE IF NOT EXISTS ${KEYSPACE}.more (a int PRIMARY KEY);")
    with pytest.raises(schema.SchemaError, match=r"0001_record\.cql was changed"):
        schema.migrate(folder=tmp_path)
    tables = described(keyspace)
    assert tables.count("CREATE TABLE") == TABLES
    assert "more" not in tables
