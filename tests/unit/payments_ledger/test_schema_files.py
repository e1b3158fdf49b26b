"""Migrations: numbered without gaps, applied once, never changed afterwards."""

import re

import pytest

from payments_ledger import schema
from payments_ledger.schema import BOOKKEEPING, Migration, SchemaError, load, pending, statements_of
from payments_ledger.tables import (
    EVENTS_BY_DAY,
    PAYMENT_EVENTS,
    PAYMENTS_BY_ID,
    PAYMENTS_BY_PROVIDER_REF,
    PAYMENTS_BY_USER_MONTH,
)

FIRST = Migration(BOOKKEEPING, "CREATE TABLE a (b int PRIMARY KEY);")
SECOND = Migration("0001_record.cql", "CREATE TABLE c (d int PRIMARY KEY);")
THIRD = Migration("0002_more.cql", "CREATE TABLE e (f int PRIMARY KEY);")


def applied(*migrations):
    return {migration.name: migration.checksum for migration in migrations}


def test_statements_end_at_semicolons_outside_strings_and_comments():
    text = """
    -- a comment; with a semicolon
    CREATE TABLE a (b int PRIMARY KEY) WITH comment = 'it''s; -- fine';  // another; one
    /* and; a
       block; */ DROP TABLE c;
    """

    assert statements_of(text) == [
        "CREATE TABLE a (b int PRIMARY KEY) WITH comment = 'it''s; -- fine'",
        "DROP TABLE c",
    ]


def test_a_statement_without_its_semicolon_is_refused():
    with pytest.raises(SchemaError, match="semicolon"):
        statements_of("CREATE TABLE a (b int PRIMARY KEY)")


def test_only_what_is_not_applied_is_pending():
    assert pending([FIRST, SECOND], {}) == [FIRST, SECOND]
    assert pending([FIRST, SECOND], applied(FIRST)) == [SECOND]
    assert pending([FIRST, SECOND], applied(FIRST, SECOND)) == []


def test_a_file_changed_after_it_was_applied_is_refused():
    changed = Migration(SECOND.name, SECOND.text + "\n-- only a comment")

    with pytest.raises(SchemaError, match=r"0001_record.cql was changed"):
        pending([FIRST, changed], applied(FIRST, SECOND))


def test_an_applied_file_that_is_gone_is_refused():
    with pytest.raises(SchemaError, match=r"0001_record.cql"):
        pending([FIRST], applied(FIRST, SECOND))


def test_a_new_file_below_an_applied_one_is_refused():
    with pytest.raises(SchemaError, match=r"0001_record.cql"):
        pending([FIRST, SECOND, THIRD], applied(FIRST, THIRD))


@pytest.mark.parametrize("name", ["1_record.cql", "0002_record.cql", "0001-record.cql"])
def test_a_wrongly_numbered_file_is_refused(tmp_path, name):
    (tmp_path / BOOKKEEPING).write_text(FIRST.text)
    (tmp_path / name).write_text(SECOND.text)

    with pytest.raises(SchemaError, match=name):
        load(tmp_path)


def test_every_statement_of_our_migrations_may_be_repeated():
    for migration in load():
        for statement in migration.statements(keyspace="k", replication="{}"):
            assert re.match(
                r"(CREATE|DROP|ALTER) \w+ IF (NOT )?EXISTS |ALTER TABLE k\.\w+ ADD IF NOT EXISTS ", statement
            )


def test_no_column_of_the_ledger_expires_or_counts():
    text = " ".join(migration.text for migration in load()).lower()

    assert "counter" not in text
    assert "default_time_to_live = 0" in text
    assert "materialized" not in text


@pytest.mark.parametrize(
    "table",
    [PAYMENT_EVENTS, PAYMENTS_BY_ID, EVENTS_BY_DAY, PAYMENTS_BY_USER_MONTH, PAYMENTS_BY_PROVIDER_REF],
    ids=lambda table: table.name,
)
def test_the_code_binds_every_column_of_the_schema(table):
    text = (schema.MIGRATIONS.parent / "schema.cql").read_text()
    definition = re.search(rf"CREATE TABLE IF NOT EXISTS payments_ledger\.{table.name} \((.*?)\n\)", text, re.DOTALL)
    assert definition is not None
    lines = [line.split("--")[0].strip() for line in definition.group(1).splitlines()]
    columns = [line.split()[0] for line in lines if line and not line.startswith("PRIMARY KEY")]

    assert sorted(columns) == sorted(table.columns)
