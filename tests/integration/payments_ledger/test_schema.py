"""The migrations on a real Cassandra: they make what schema.cql shows, once, and nothing else."""

import re
import uuid
from pathlib import Path

import pytest

from payments_ledger import schema, session

SCHEMA_CQL = Path(schema.MIGRATIONS).parent / "schema.cql"


@pytest.fixture
def keyspace(settings):
    name = f"schema_{uuid.uuid4().hex[:12]}"
    settings.LEDGER = {**settings.LEDGER, "KEYSPACE": name}
    yield name
    with session.temporary() as opened:
        opened.execute(f"DROP KEYSPACE IF EXISTS {name}", execution_profile=session.LOOKUP, timeout=30)


def described(name):
    """CREATE statements of a keyspace, its name and its replication taken out."""
    with session.temporary() as opened:
        rows = opened.execute(f"DESCRIBE KEYSPACE {name}", execution_profile=session.LOOKUP)
        text = "\n".join(row["create_statement"] for row in rows)
    return re.sub(r"replication = \{[^}]*\}", "replication = ...", text).replace(name, "the_keyspace")


def test_schema_cql_is_what_the_migrations_make(keyspace):
    schema.migrate()
    migrated = described(keyspace)
    other = f"{keyspace}_b"
    text = SCHEMA_CQL.read_text().replace("payments_ledger", other)

    with session.temporary() as opened:
        try:
            for statement in schema.statements_of(text):
                opened.execute(statement, execution_profile=session.LOOKUP, timeout=30)
            shown = described(other)
        finally:
            opened.execute(f"DROP KEYSPACE IF EXISTS {other}", execution_profile=session.LOOKUP, timeout=30)

    assert shown == migrated
    assert migrated.count("CREATE TABLE") == 4


def test_a_second_run_applies_nothing(keyspace):
    assert schema.migrate() == [migration.name for migration in schema.load()]
    assert schema.migrate() == []


def test_a_changed_file_is_refused_and_nothing_is_applied(keyspace, tmp_path):
    for migration in schema.load():
        (tmp_path / migration.name).write_text(migration.text)
    schema.migrate(folder=tmp_path)
    (tmp_path / "0001_record.cql").write_text("CREATE TABLE IF NOT EXISTS ${KEYSPACE}.other (a int PRIMARY KEY);")
    (tmp_path / "0002_more.cql").write_text("CREATE TABLE IF NOT EXISTS ${KEYSPACE}.more (a int PRIMARY KEY);")

    with pytest.raises(schema.SchemaError, match=r"0001_record\.cql was changed"):
        schema.migrate(folder=tmp_path)

    assert "more" not in described(keyspace)


def test_an_interrupted_migration_is_finished_by_the_next_run(keyspace):
    bookkeeping, record = schema.load()[:2]
    names = {"keyspace": keyspace, "replication": "{'class': 'NetworkTopologyStrategy', 'datacenter1': 1}"}
    with session.temporary() as opened:
        for statement in [*bookkeeping.statements(**names), record.statements(**names)[0]]:
            opened.execute(statement, execution_profile=session.LOOKUP, timeout=30)

    applied = schema.migrate()

    assert applied == [bookkeeping.name, record.name]
    assert described(keyspace).count("CREATE TABLE") == 4
