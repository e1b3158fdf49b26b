"""A session is looked at before a request uses it: for nothing while it lives, and replaced when it is gone."""

import select

import pytest
from django.db import connection

from core.db.prepared import Prepared
from tests.checkout_client import rival, watched
from tests.waiting import eventually


@pytest.fixture(autouse=True)
def _request_begins():
    """What Django does at the beginning of each request."""
    connection.ensure_connection()
    connection.health_check_enabled = True
    yield
    connection.health_check_enabled = False


def backend_pid() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def test_a_living_session_is_kept_without_asking_it():
    before = backend_pid()
    connection.health_check_done = False

    names: list[str] = []
    with watched(names):
        after = backend_pid()

    assert (after, names) == (before, ["SELECT pg_backend_pid()"])


def test_a_terminated_session_is_replaced_before_anything_fails():
    before = backend_pid()
    with rival() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [before])
        eventually(lambda: is_gone(cursor, before), what="the session has ended")
    connection.health_check_done = False

    assert backend_pid() != before


def test_statements_are_prepared_in_the_session_that_replaces_one_that_is_gone():
    statement = Prepared("test_of_replaced_sessions", "SELECT %(number)s::integer + 1")
    before = backend_pid()
    with rival() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [before])
        eventually(lambda: is_gone(cursor, before), what="the session has ended")

    answers = []
    for _ in range(2):
        connection.health_check_done = False
        statement.ready()
        with connection.cursor() as cursor:
            statement.execute(cursor, {"number": 1})
            answers.append(cursor.fetchone()[0])

    assert answers == [2, 2]
    assert backend_pid() != before


def test_a_session_that_was_told_something_is_asked_and_kept():
    before = backend_pid()
    with connection.cursor() as cursor:
        cursor.execute("LISTEN told")
    with rival() as cursor:
        cursor.execute("NOTIFY told")
    descriptor = connection.connection.fileno()
    eventually(lambda: has_input(descriptor), what="the notification has arrived")
    connection.health_check_done = False

    names: list[str] = []
    with watched(names):
        after = backend_pid()

    assert after == before
    with connection.cursor() as cursor:
        cursor.execute("UNLISTEN told")


def is_gone(cursor, pid: int) -> bool:
    cursor.execute("SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = %s)", [pid])
    return bool(cursor.fetchone()[0])


def has_input(descriptor: int) -> bool:
    return bool(select.select([descriptor], [], [], 0)[0])
