"""The one lock of imports."""

from django.db import connection


def lock_imports() -> None:
    """Let one import write at a time, to the end of the transaction: what it finds missing, nobody else is adding."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('orders.imports', 0))")
