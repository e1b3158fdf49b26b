"""What an analyst may see is decided table by table, and no person is in it."""

import re

import pytest
from django.conf import settings

from deploy.local import cqlsh
from payments_ledger import schema
from payments_ledger.cluster import credentials_of
from payments_ledger.roles import ANALYST_TABLES, MASKED_COLUMNS

# A new table belongs either here or in ANALYST_TABLES.
CLOSED_TO_ANALYSTS = {
    "schema_migrations",
    "payment_events",
    "payments_by_id",
    "payments_by_user_month",
    "payments_by_provider_ref",
}
SCHEMA = (schema.MIGRATIONS.parent / "schema.cql").read_text()


def columns_by_table(text):
    """Table → the line of each of its columns."""
    tables = re.findall(r"CREATE TABLE IF NOT EXISTS payments_ledger\.(\w+) \((.*?)\n\)", text, re.DOTALL)
    return {
        name: {line.split()[0]: line for line in body.splitlines() if re.match(r" +[a-z]", line)}
        for name, body in tables
    }


def unmasked(text):
    """Columns with a person in them that an analyst would see."""
    return [
        f"{table}.{name}"
        for table, columns in columns_by_table(text).items()
        for name, line in columns.items()
        if table in ANALYST_TABLES and name in MASKED_COLUMNS and "MASKED WITH" not in line
    ]


def test_every_table_is_either_open_or_closed_to_analysts():
    assert {*columns_by_table(SCHEMA)} == CLOSED_TO_ANALYSTS | {*ANALYST_TABLES}
    assert not CLOSED_TO_ANALYSTS & {*ANALYST_TABLES}


def test_no_person_is_shown_to_analysts():
    assert unmasked(SCHEMA) == []
    assert unmasked(SCHEMA.replace(" MASKED WITH system.mask_default()", "")) == ["events_by_day.user_id"]


def test_a_role_signs_in_with_its_own_name_and_password(settings):
    settings.LEDGER = {**settings.LEDGER, "PASSWORDS": {**settings.LEDGER["PASSWORDS"], "reader": "r", "writer": ""}}

    reader = credentials_of("reader")

    assert (reader.username, reader.password) == ("ledger_reader", "r")
    assert credentials_of("writer") is None


def test_people_sign_in_with_the_names_the_application_uses():
    assert settings.LEDGER["USERS"] == cqlsh.USERS


def test_a_role_nobody_has_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("ROLE", "accountant")
    layout = cqlsh.Layout(name="dev", port_base=20000, root=tmp_path)

    with pytest.raises(cqlsh.StackError, match="ROLE=accountant: choose one of owner, writer, reader, analyst"):
        cqlsh.open_cqlsh(layout, [])
