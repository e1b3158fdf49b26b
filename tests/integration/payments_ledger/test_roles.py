"""Each role on a real Cassandra: what it must not do is refused, and an analyst sees no person."""

from contextlib import ExitStack
from uuid import UUID, uuid4

import pytest
from cassandra import Unauthorized
from cassandra.auth import PlainTextAuthProvider
from django.conf import settings as live

from payments_ledger import roles, schema, session
from payments_ledger.cluster import new_cluster, unavailable_when_away
from payments_ledger.errors import LedgerUnavailable
from payments_ledger.rows import rows_of
from tests.factories.ledger_events import canonical, fields, insert_history, own_noon, record

NOBODY = UUID(int=0)
BLOCK = "booking_day = %s AND payment_type = %s AND bucket = %s"


@pytest.fixture(scope="module")
def signed_in():
    """A session of each role on the run's keyspace, opened when it is first asked for."""
    opened = {}
    with ExitStack() as stack:

        def session_of(role):
            if role not in opened:
                opened[role] = stack.enter_context(session.temporary(live.LEDGER["KEYSPACE"], role=role))
            return opened[role]

        yield session_of


def run(opened, statement, *values):
    """The statement's rows, asked for as dictionaries."""
    return list(opened.execute(statement, values or None, execution_profile=session.LOOKUP))


@pytest.fixture(scope="module")
def event():
    """An event in both stores, as the rows it became."""
    body = fields(booked_at=own_noon())
    insert_history([body])
    record([body])
    return rows_of(canonical(body))


REFUSED = [
    ("analyst", "SELECT * FROM payment_events LIMIT 1"),
    ("analyst", "SELECT * FROM payments_by_id LIMIT 1"),
    ("analyst", "SELECT * FROM payments_by_user_month LIMIT 1"),
    ("analyst", "SELECT * FROM payments_by_provider_ref LIMIT 1"),
    ("analyst", "SELECT * FROM schema_migrations"),
    ("analyst", "TRUNCATE daily_totals"),
    ("analyst", "INSERT INTO ledger_calendar (booking_day, bucket_count) VALUES ('1970-01-01', 4)"),
    ("analyst", "SELECT role FROM system_auth.roles"),
    ("reader", "INSERT INTO payments_by_id (payment_id, status) VALUES (00000000-0000-0000-0000-000000000000, 'paid')"),
    ("reader", "DELETE FROM payment_events WHERE order_id = 00000000-0000-0000-0000-000000000000"),
    ("reader", "TRUNCATE payments_by_id"),
    ("reader", "GRANT MODIFY ON TABLE payments_by_id TO ledger_reader"),
    ("reader", "SELECT role FROM system_auth.roles"),
    ("writer", "CREATE TABLE of_the_writer (a int PRIMARY KEY)"),
    ("writer", "ALTER TABLE payment_events ADD note text"),
    ("writer", "ALTER TABLE events_by_day ALTER user_id DROP MASKED"),
    ("writer", "DROP TABLE payments_by_id"),
    ("writer", "GRANT SELECT ON TABLE payment_events TO analyst"),
    ("writer", "ALTER ROLE analyst WITH SUPERUSER = true"),
    ("owner", "CREATE ROLE another WITH LOGIN = true"),
    ("owner", "SELECT role FROM system_auth.roles"),
    ("owner", "ALTER ROLE ledger_owner WITH SUPERUSER = true"),
]


@pytest.mark.parametrize(("role", "statement"), REFUSED, ids=[f"{role}: {said[:40]}" for role, said in REFUSED])
def test_what_a_role_must_not_do_is_refused(signed_in, role, statement):
    with pytest.raises(Unauthorized):
        run(signed_in(role), statement)


@pytest.mark.parametrize("table", roles.ANALYST_TABLES)
def test_an_analyst_reads_what_is_on_the_list(signed_in, table):
    assert isinstance(run(signed_in("analyst"), f"SELECT * FROM {table} LIMIT 1"), list)


def test_an_analyst_has_that_and_nothing_else(signed_in):
    keyspace = live.LEDGER["KEYSPACE"]

    rows = run(signed_in("analyst"), "LIST ALL PERMISSIONS OF analyst")

    here = {(row["resource"], row["permission"]) for row in rows if f" {keyspace}." in row["resource"]}
    assert here == {(f"<table {keyspace}.{table}>", "SELECT") for table in roles.ANALYST_TABLES}
    assert {row["permission"] for row in rows} == {"SELECT"}


@pytest.mark.parametrize(("role", "sees"), [("analyst", False), ("reader", True), ("writer", True)])
def test_a_person_in_a_block_is_masked_for_an_analyst_only(signed_in, event, role, sees):
    opened = signed_in(role)
    block = event.booking_day, event.payment_type, event.bucket
    asked = f"SELECT user_id, amount_minor FROM events_by_day WHERE {BLOCK}"
    statement = opened.prepare(asked.replace("%s", "?"))
    shown = next(row for row in run(signed_in("writer"), asked, *block))["user_id"]

    simple = run(opened, asked, *block)
    prepared = list(opened.execute(statement, block, execution_profile=session.LOOKUP))

    assert simple == prepared == [{"user_id": shown if sees else NOBODY, "amount_minor": 1250}]
    assert shown != NOBODY


def test_an_analyst_cannot_find_a_person_by_guessing(signed_in, event):
    block = event.booking_day, event.payment_type, event.bucket

    with pytest.raises(Unauthorized, match="user_id"):
        run(
            signed_in("analyst"),
            f"SELECT amount_minor FROM events_by_day WHERE {BLOCK} AND user_id = %s ALLOW FILTERING",
            *block,
            uuid4(),
        )


def test_a_table_that_a_later_migration_adds_is_granted_and_closed_to_analysts(settings, tmp_path):
    keyspace = f"roles_{uuid4().hex[:12]}"
    settings.LEDGER = {**settings.LEDGER, "KEYSPACE": keyspace}
    for migration in schema.load():
        (tmp_path / migration.name).write_text(migration.text)
    number = len(schema.load())
    (tmp_path / f"{number:04d}_later.cql").write_text(
        "CREATE TABLE IF NOT EXISTS ${KEYSPACE}.later (a int PRIMARY KEY);"
    )

    try:
        schema.migrate(folder=tmp_path)
        with session.temporary(keyspace, role="writer") as opened:
            run(opened, "INSERT INTO later (a) VALUES (1)")
        with session.temporary(keyspace, role="reader") as opened:
            assert run(opened, "SELECT a FROM later") == [{"a": 1}]
        with session.temporary(keyspace, role="analyst") as opened, pytest.raises(Unauthorized):
            run(opened, "SELECT a FROM later")
    finally:
        with session.temporary() as opened:
            opened.execute(f"DROP KEYSPACE IF EXISTS {keyspace}", timeout=30)


@pytest.mark.parametrize(("user", "password"), [("cassandra", "cassandra"), ("ledger_writer", "wrong"), (None, None)])
def test_nobody_gets_in_without_the_right_password(user, password, settings):
    settings.LEDGER = {**settings.LEDGER, "PASSWORDS": dict.fromkeys(settings.LEDGER["PASSWORDS"], "")}
    cluster = new_cluster(auth=PlainTextAuthProvider(user, password) if user else None)

    with pytest.raises(LedgerUnavailable, match=r"credentials|authentication"), unavailable_when_away():
        cluster.connect()
    cluster.shutdown()
