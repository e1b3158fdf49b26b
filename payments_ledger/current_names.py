"""Under which names the rebuildable tables stand in Cassandra: rows in PostgreSQL, remembered for a few seconds.

Cassandra cannot rename a table, so a rebuilt one has a new name. While one is being filled, and for a while after the
switch, writers write to every name; readers read one. A row exists only for tables that were ever rebuilt.

Why the remembering is safe: a rebuild starts to copy only after NAMES_SECONDS, when every writer knows the new name, so
an event is either visible to the copy or written to both tables; and the old table is written to for
RETIRING_SECONDS after the switch, longer than any reader may go on with the old name.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.db import DatabaseError, InterfaceError, connection

NAMES_SECONDS = 5.0
# A reader that cannot ask PostgreSQL goes on with what it knows for so long; a writer does not.
READER_SECONDS_MAX = 60.0
RETIRING_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Names:
    """The names of one table: where to read, and everywhere to write."""

    read: str
    written: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Known:
    """What was last read, and when it was read and last asked for, by the monotonic clock.

    Replaced as a whole, so threads need no lock.
    """

    names: Mapping[str, Names]
    read_at: float
    asked_at: float


def _from_postgresql() -> dict[str, Names]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, current, building, CASE WHEN retire_at > clock_timestamp() THEN retiring ELSE '' END "
            "FROM payments_ledger_ledgertablename"
        )
        return {
            name: Names(current, tuple(dict.fromkeys(each for each in (current, *others) if each)))
            for name, current, *others in cursor.fetchall()
        }


_source: Callable[[], Mapping[str, Names]] = _from_postgresql
_known = _Known({}, float("-inf"), float("-inf"))


def read_name(table: str) -> str:
    """Where to read this table now. Raises django.db.Error only when PostgreSQL has been away for a minute."""
    global _known
    known = _known
    now = time.monotonic()
    if now - known.asked_at > NAMES_SECONDS:
        try:
            known = _refreshed()
        except (DatabaseError, InterfaceError):
            if now - known.read_at > READER_SECONDS_MAX:
                raise
            _known = _Known(known.names, known.read_at, now)
    names = known.names.get(table)
    return table if names is None else names.read


def written_names(table: str) -> tuple[str, ...]:
    """Every name to write this table's rows to. Raises django.db.Error rather than go by what may be out of date."""
    known = _known
    if time.monotonic() - known.read_at > NAMES_SECONDS:
        known = _refreshed()
    names = known.names.get(table)
    return (table,) if names is None else names.written


def forget() -> None:
    """Ask PostgreSQL at the next use."""
    global _known
    _known = _Known({}, float("-inf"), float("-inf"))


def set_source(source: Callable[[], Mapping[str, Names]] | None) -> None:
    """Replace PostgreSQL; None brings it back. For tests that run without servers."""
    global _source
    _source = source or _from_postgresql
    forget()


def _refreshed() -> _Known:
    global _known
    # The time before the question: what was answered is at least as new.
    asked_at = time.monotonic()
    _known = _Known(_source(), asked_at, asked_at)
    return _known
