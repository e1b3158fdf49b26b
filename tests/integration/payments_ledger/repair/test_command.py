"""`manage.py ledger repair`: what it prints, how it exits, what it refuses, and one at a time."""

import json
import threading
from uuid import uuid4

import pytest
from django.core.management import CommandError
from django.db import connection

from payments_ledger.errors import AlreadyRunning
from payments_ledger.reconciliation.repair import LOCK
from payments_ledger.tables import EVENTS_BY_DAY
from tests.integration.payments_ledger.repair.repairs import mended
from tests.ledger_command import ledger


def test_the_command_shows_mends_and_exits_0_only_when_nothing_is_left(day):
    scope = ["--day", str(day.date)]
    day.delete(EVENTS_BY_DAY, day.bodies[0])

    dry = ledger("repair", *scope, "--dry-run")
    wet = ledger("repair", *scope, "--who", "a tester", "--why", "a test", "--rate", "5000", "--json")

    assert dry[0] == 1
    assert f"would write: events_by_day payment_id={day.bodies[0]['payment_id']} seq=1" in dry[1]
    assert wet[0] == 0
    answer = json.loads(wet[1])
    assert (answer["rows"], answer["agrees"]) == ({"events_by_day": 1}, True)
    assert ledger("repair", *scope, "--dry-run")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--why", "no name"], "--who"),
        (["--who", "somebody", "--why", " "], "--why"),
        (["--dry-run", "--payment", str(uuid4())], "PostgreSQL has no event of payment"),
        (["--dry-run", "--payment", str(uuid4()), "--day", "2001-01-01"], "either --payment or days"),
        (["--dry-run", "--rate", "0"], "no rate"),
    ],
)
def test_bad_input_is_refused_by_name(arguments, words):
    with pytest.raises(CommandError, match=words):
        ledger("repair", *arguments)


def test_two_repairs_do_not_run_at_once(day):
    refused = []

    def rival():
        try:
            mended(day)
        except AlreadyRunning as error:
            refused.append(error.code)
        finally:
            connection.close()

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [LOCK])
        try:
            thread = threading.Thread(target=rival)
            thread.start()
            thread.join()
        finally:
            cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [LOCK])

    assert refused == ["ledger_already_running"]
