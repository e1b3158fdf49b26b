"""The door to Cassandra: right level on the wire, safe after a fork, quick and clear when away, back by itself."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.conf import settings as live

from payments_ledger import session
from payments_ledger.errors import LedgerUnavailable
from tests.factories.ledger_events import until_cassandra_answers
from tests.fakes.cql_proxy import Proxy

PROJECT = Path(__file__).resolve().parents[3]
QUERY = "SELECT release_version FROM system.local"


@pytest.fixture
def own_session():
    """A session opened and closed by this test, so that a change of settings takes effect."""
    session.close()
    yield
    session.close()


@pytest.mark.parametrize("profile", [session.LOOKUP, session.BULK])
def test_requests_carry_local_quorum_on_the_wire(profile):
    statement = session.prepared(QUERY)

    future = session.session().execute_async(statement, trace=True, execution_profile=profile)
    future.result()

    assert future.get_query_trace(max_wait=10).parameters["consistency_level"] == "LOCAL_QUORUM"


def test_statements_are_prepared_once_and_marked_idempotent():
    first = session.prepared(QUERY)

    assert session.prepared(QUERY) is first
    assert first.is_idempotent


def test_a_forked_child_opens_its_own_session():
    program = """
import os, signal, sys, threading
import django
django.setup()
from payments_ledger import session
session.lookup("SELECT release_version FROM system.local")
stop = threading.Event()
def busy():
    while not stop.is_set():
        session.lookup("SELECT release_version FROM system.local")
threading.Thread(target=busy, daemon=True).start()
inherited = session.session()
children = []
for _ in range(3):
    pid = os.fork()
    if pid == 0:
        signal.alarm(20)
        rows = session.lookup("SELECT release_version FROM system.local")
        os._exit(0 if rows and session.session() is not inherited else 3)
    children.append(pid)
codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children]
stop.set()
assert session.lookup("SELECT release_version FROM system.local")
print(codes)
"""
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "core.settings", "LOG_LEVEL": "ERROR"}

    done = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=90
    )

    assert (done.stdout.strip(), done.returncode) == ("[0, 0, 0]", 0), done.stderr


def test_when_nobody_answers_the_error_is_quick_clear_and_retryable(own_session, settings):
    settings.LEDGER = {**live.LEDGER, "PORT": 1}
    started = time.monotonic()

    with pytest.raises(LedgerUnavailable, match=r"127\.0\.0\.1:1") as first:
        session.lookup(QUERY)
    with pytest.raises(LedgerUnavailable):
        session.lookup(QUERY)

    assert time.monotonic() - started < 4
    assert first.value.retryable


def test_without_its_keyspace_the_error_says_what_to_run(own_session, settings):
    settings.LEDGER = {**live.LEDGER, "KEYSPACE": "nobody_made_this"}

    with pytest.raises(LedgerUnavailable, match=r"'nobody_made_this'.*ledger migrate"):
        session.lookup(QUERY)


def test_a_session_that_lost_its_node_works_again_once_the_node_is_back(own_session, settings):
    proxy = Proxy(("127.0.0.1", live.LEDGER["PORT"]))
    settings.LEDGER = {**live.LEDGER, "PORT": proxy.port}

    with pytest.raises(LedgerUnavailable):
        session.ping()
    proxy.mend()
    until_cassandra_answers()
    proxy.cut()
    with pytest.raises(LedgerUnavailable):
        session.ping()
    proxy.mend()
    until_cassandra_answers()
    proxy.cut()


def test_a_node_that_does_not_answer_costs_one_caller_its_time_out_and_the_others_nothing(
    own_session, settings, monkeypatch
):
    proxy = Proxy(("127.0.0.1", live.LEDGER["PORT"]))
    settings.LEDGER = {**live.LEDGER, "PORT": proxy.port}
    monkeypatch.setattr(session, "STALL_HOLDOFF_SECONDS", 1.0)
    proxy.mend()
    try:
        until_cassandra_answers()
        proxy.stall()
        started = time.monotonic()
        with pytest.raises(LedgerUnavailable):
            session.ping()
        first = time.monotonic() - started
        with pytest.raises(LedgerUnavailable, match="did not answer a moment ago"):
            session.ping()
        second = time.monotonic() - started - first
        proxy.flow()
        until_cassandra_answers(seconds_max=5)
    finally:
        proxy.cut()

    assert 3.5 < first < 5
    assert second < 0.1


def test_a_statement_that_cannot_be_prepared_is_given_up_within_five_seconds(own_session, settings):
    proxy = Proxy(("127.0.0.1", live.LEDGER["PORT"]))
    settings.LEDGER = {**live.LEDGER, "PORT": proxy.port}
    proxy.mend()
    try:
        until_cassandra_answers()
        proxy.stall()
        started = time.monotonic()
        with pytest.raises(LedgerUnavailable):
            session.lookup("SELECT cluster_name FROM system.local")
    finally:
        proxy.cut()

    assert time.monotonic() - started < 5
