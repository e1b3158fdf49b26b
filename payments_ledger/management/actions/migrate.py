"""`ledger migrate`: bring the keyspace to the newest schema, and the calendar's copy up to date."""

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandError
from django.db import connection

from payments_ledger import calendar, roles, schema
from payments_ledger.management.actions.console import DONE, NO_VERDICT, Console

HELP = "bring the keyspace to the newest schema"
# Two migrations of one keyspace at once could leave Cassandra with two tables of one name.
MIGRATE_LOCK = "payments_ledger.schema.migrate"


def add_arguments(parser: ArgumentParser) -> None:
    """None."""


def run(options: Mapping[str, Any], console: Console) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [MIGRATE_LOCK])
        try:
            if roles.can_administer():
                roles.ensure()
            applied = schema.migrate()
            calendar.copy()
        except schema.SchemaError as error:
            raise CommandError(str(error), returncode=NO_VERDICT) from error
        finally:
            cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [MIGRATE_LOCK])
    for name in applied:
        console.line(f"applied {name}")
    if not applied:
        console.line("the ledger's schema is current")
    return DONE
