"""Under which names a table is read and written, and for how long an answer of PostgreSQL holds."""

import re
from pathlib import Path

import pytest
from django.db import OperationalError

from payments_ledger import current_names
from payments_ledger.current_names import Names
from payments_ledger.tables import PAYMENT_EVENTS, PAYMENTS_BY_ID

BUILDING = {"payments_by_id": Names("payments_by_id", ("payments_by_id", "payments_by_id_2"))}
SWITCHED = {"payments_by_id": Names("payments_by_id_2", ("payments_by_id_2", "payments_by_id"))}


class PostgreSQL:
    def __init__(self):
        self.names, self.asked, self.is_away = {}, 0, False

    def __call__(self):
        self.asked += 1
        if self.is_away:
            raise OperationalError("no server answers")
        return self.names


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now = 1000.0

    monkeypatch.setattr(current_names.time, "monotonic", lambda: Clock.now)
    return Clock


@pytest.fixture
def postgresql(clock):
    stands_in = PostgreSQL()
    current_names.set_source(stands_in)
    return stands_in


def test_a_table_that_was_never_rebuilt_has_its_own_name(postgresql):
    assert (PAYMENTS_BY_ID.read_name, PAYMENTS_BY_ID.written_names) == ("payments_by_id", ("payments_by_id",))
    assert PAYMENTS_BY_ID.select_cql(columns=("status",)) == "SELECT status FROM payments_by_id"


def test_the_record_is_never_looked_up(postgresql):
    assert (PAYMENT_EVENTS.read_name, PAYMENT_EVENTS.written_names) == ("payment_events", ("payment_events",))
    assert postgresql.asked == 0


def test_an_answer_holds_for_five_seconds(postgresql, clock):
    for _ in range(100):
        assert PAYMENTS_BY_ID.read_name == "payments_by_id"
    postgresql.names = SWITCHED
    clock.now += 5.0
    before = PAYMENTS_BY_ID.read_name
    clock.now += 0.1

    assert (before, PAYMENTS_BY_ID.read_name, postgresql.asked) == ("payments_by_id", "payments_by_id_2", 2)
    assert PAYMENTS_BY_ID.select_cql(columns=("status",)) == "SELECT status FROM payments_by_id_2"


def test_while_a_table_is_being_filled_it_is_written_and_not_read(postgresql):
    postgresql.names = BUILDING

    assert PAYMENTS_BY_ID.read_name == "payments_by_id"
    assert PAYMENTS_BY_ID.written_names == ("payments_by_id", "payments_by_id_2")


def test_without_postgresql_a_reader_goes_on_for_a_minute_and_asks_seldom(postgresql, clock):
    assert PAYMENTS_BY_ID.read_name == "payments_by_id"
    postgresql.is_away = True
    clock.now += 59
    for _ in range(100):
        assert PAYMENTS_BY_ID.read_name == "payments_by_id"
    asked = postgresql.asked
    clock.now += 6

    with pytest.raises(OperationalError):
        _ = PAYMENTS_BY_ID.read_name
    assert asked == 2


def test_without_postgresql_a_writer_does_not_go_on(postgresql, clock):
    assert PAYMENTS_BY_ID.written_names == ("payments_by_id",)
    postgresql.is_away = True
    clock.now += 5.1

    with pytest.raises(OperationalError):
        _ = PAYMENTS_BY_ID.written_names


def test_what_a_reader_may_not_know_is_over_before_the_old_table_is_left_alone():
    assert current_names.RETIRING_SECONDS >= current_names.READER_SECONDS_MAX + 2 * current_names.NAMES_SECONDS


SOURCES = Path(current_names.__file__).parent


def fixed_names(source):
    """Tables that a query calls by the name the code has for them, which a rebuilt one has lost."""
    named = re.findall(r"(?:FROM |INTO |UPDATE |KEYSPACE'\]\}\.)\{(?:\w+\.)*?(\w+)\.name\}", source)
    return [table for table in named if table != "LEDGER_SEALS"]


def test_queries_call_a_rebuildable_table_by_the_name_it_has_now():
    found = {str(path): fixed_names(path.read_text()) for path in SOURCES.rglob("*.py")}

    assert {path: tables for path, tables in found.items() if tables} == {}
    assert fixed_names('f"SELECT a FROM {check.table.name} WHERE"') == ["table"]
    assert fixed_names("""f"{CATALOG}.{settings.LEDGER['KEYSPACE']}.{table.name}\"""") == ["table"]
