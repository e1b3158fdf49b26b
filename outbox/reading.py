"""What doctor and metrics both ask of the outbox's tables. Reads only."""

from typing import Any

from django.db import connection


def rows(statement: str, *values: Any) -> list[Any]:
    """Raises OperationalError when PostgreSQL cannot be reached."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()


def relay_silent_seconds() -> float | None:
    """Seconds since any relay's last sign of life; None when there never was one."""
    ((seconds,),) = rows("SELECT extract(epoch FROM clock_timestamp() - max(heartbeat_at)) FROM outbox_relay_instance")
    return None if seconds is None else float(seconds)
