"""Races must be won or lost, never broken off: PostgreSQL's own count of deadlocks stays where it was."""

from collections.abc import Iterator

import pytest
from django.db import connection


@pytest.fixture(scope="package", autouse=True)
def _no_deadlocks(_open_database: None) -> Iterator[None]:
    before = deadlocks()
    yield
    met = deadlocks() - before
    print(f"\ndeadlocks of the run's database during the races: {met}")
    assert met == 0, "two transactions took the same locks in opposite order"


def deadlocks() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return int(cursor.fetchone()[0])
