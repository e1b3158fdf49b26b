"""Every migration can be taken back and made again, in a database of its own."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from django.apps import apps

from deploy.local.control import Stack
from deploy.local.layout import PROJECT_ROOT
from deploy.local.postgres import node_of
from deploy.local.postgres_roles import drop_database, ensure_database, superuser_session

# Dependents first: nothing is left that still needs what goes.
OURS = ["payments_ledger", "webhooks", "orders", "payments", "catalog", "api", "outbox", "accounts"]
MIGRATE_SECONDS_MAX = 120


@pytest.fixture
def database() -> Iterator[str]:
    node, name = node_of(Stack.from_env().layout, "primary"), f"migrated_{uuid4().hex[:8]}"
    ensure_database(node, name)
    yield name
    drop_database(node, name)


def migrate(database: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity", "1", *arguments],
        cwd=PROJECT_ROOT,
        env={**os.environ, "POSTGRES_DB": database, "POSTGRES_ROLE": "owner", "LOG_LEVEL": "ERROR"},
        capture_output=True,
        text=True,
        timeout=MIGRATE_SECONDS_MAX,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def is_ours(label: str) -> bool:
    return Path(apps.get_app_config(label).path).relative_to(PROJECT_ROOT).parts[0] != ".venv"


def objects_in(database: str) -> list[tuple[str, str]]:
    """Tables, indexes and functions of the application; Django keeps its own table of what was migrated."""
    with superuser_session(node_of(Stack.from_env().layout, "primary"), database) as cursor:
        cursor.execute(
            """
            SELECT 'relation', relname::text FROM pg_class
            WHERE relnamespace = 'public'::regnamespace AND relname NOT LIKE 'django_migrations%'
            UNION ALL SELECT 'function', proname::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace
            ORDER BY 1, 2
            """
        )
        return list(cursor.fetchall())


def ours_in(database: str) -> list[tuple[str, str]]:
    """Those named after one of our applications."""
    return [each for each in objects_in(database) if each[1].startswith(tuple(f"{label}_" for label in OURS))]


def test_everything_can_be_taken_back_and_made_again(database: str) -> None:
    applied = set(re.findall(r"Applying (\w+)\.", migrate(database)))
    made = objects_in(database)

    for label in OURS:
        migrate(database, label, "zero")
    left = ours_in(database)
    migrate(database)

    assert set(OURS) == {label for label in applied if is_ours(label)}
    assert left == []
    assert objects_in(database) == made
    assert ("function", "payments_postings_balance") in made


def test_what_a_migration_leaves_behind_is_noticed(database: str) -> None:
    with superuser_session(node_of(Stack.from_env().layout, "primary"), database) as cursor:
        cursor.execute("CREATE TABLE payments_left_behind (id int)")

    assert ours_in(database) == [("relation", "payments_left_behind")]
