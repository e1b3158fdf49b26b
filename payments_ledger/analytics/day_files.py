"""The standard questions over the exported day files, answered by DuckDB in this process."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from payments_ledger.analytics.errors import AnalyticsError
from payments_ledger.analytics.folder import day_file, exported_days
from payments_ledger.analytics.questions import Answer, Question, answer_of
from payments_ledger.analytics.stamps import stamp_of

# Nothing is downloaded or installed at run time.
_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}

VIEWS = """
CREATE VIEW day_files AS
SELECT * FROM read_parquet({files}, hive_partitioning = true, hive_types = {{'booking_day': DATE}});

CREATE VIEW events AS
SELECT booking_day, payment_type, epoch_ms(booked_at) AS booked_ms, payment_id, seq, order_id, user_id, event_type,
       amount_minor, currency, status_after, provider, region
FROM day_files;

CREATE VIEW entries AS
SELECT booking_day, payment_type, payment_id, order_id, user_id, currency, provider, region,
       unnest(map_keys(postings)) AS account, unnest(map_values(postings)) AS amount_minor
FROM day_files;
"""


@dataclass(frozen=True, slots=True)
class Days:
    """What an answer was read from: how many days, from when to when, and which of them had no seal when exported."""

    first_day: date
    last_day: date
    count: int
    unsealed: tuple[date, ...]


def days_in(folder: Path, *, first_day: date | None = None, last_day: date | None = None) -> Days:
    """The exported days between these (both included). Raises AnalyticsError when there are none."""
    found = [
        day
        for day in exported_days(folder)
        if (first_day is None or day >= first_day) and (last_day is None or day <= last_day)
    ]
    if not found:
        raise AnalyticsError(f"{folder} has no day of these; run `manage.py ledger export`, or name another --folder")
    stamps = {day: stamp_of(day_file(folder, day)) for day in found}
    if unreadable := [str(day) for day, stamp in stamps.items() if stamp is None]:
        raise AnalyticsError(f"the files of {', '.join(unreadable)} in {folder} are damaged; export them again")
    unsealed = tuple(day for day, stamp in stamps.items() if stamp is not None and not stamp.is_sealed)
    return Days(found[0], found[-1], len(found), unsealed)


def connect(folder: Path, *, first_day: date | None = None, last_day: date | None = None) -> duckdb.DuckDBPyConnection:
    """A database in memory with the views day_files, events and entries over these days. Raises AnalyticsError."""
    days = days_in(folder, first_day=first_day, last_day=last_day)
    chosen = [day for day in exported_days(folder) if days.first_day <= day <= days.last_day]
    files = ", ".join("'" + str(day_file(folder, day)).replace("'", "''") + "'" for day in chosen)
    connection = duckdb.connect(config=_SETTINGS)
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(VIEWS.format(files=f"[{files}]"))
    return connection


def ask(asked: Question, folder: Path, *, first_day: date | None = None, last_day: date | None = None) -> Answer:
    """The question's answer over the exported days between these (both included). Raises AnalyticsError."""
    with connect(folder, first_day=first_day, last_day=last_day) as connection:
        cursor = connection.execute(asked.sql)
        columns = [column[0] for column in cursor.description or ()]
        return answer_of(asked, columns, cursor.fetchall())
