"""Fixtures for every kind of test.

Tests run against the servers and the database of one run of the test stack (`make test` starts it): there is no
Django test database, nothing is flushed, and every test makes its own users, products and orders.
"""

from collections.abc import Iterator

import hypothesis
import pytest

from payments_ledger import current_names

# How long an example takes is the machine's affair, which may be busy with the stack.
hypothesis.settings.register_profile("no_deadline", deadline=None)
hypothesis.settings.load_profile("no_deadline")

# Modules that assert for several test modules: their failures are to show the values, too.
pytest.register_assert_rewrite(
    "tests.document_blocks",
    "tests.faults.crash_scenarios",
    "tests.faults.crash_world",
    "tests.faults.ledger_faults",
    "tests.integration.payments_ledger.sealing.days",
    "tests.ledger_command",
)

ORDER_OF_KINDS = [
    *("unit", "properties", "simulation", "architecture", "contract"),
    *("integration", "races", "e2e", "faults", "books"),
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Cheap tests first; those that kill servers last, and after them the check that all books agree."""

    def place(item: pytest.Item) -> int:
        kinds = [part for part in item.path.parts if part in ORDER_OF_KINDS]
        return ORDER_OF_KINDS.index(kinds[-1]) if kinds else 0

    items.sort(key=place)


@pytest.fixture(scope="session")
def django_db_setup() -> None:
    """The run's database was made and migrated by the test command; pytest-django must not make another."""


@pytest.fixture(scope="session", autouse=True)
def _open_database(django_db_blocker) -> Iterator[None]:
    with django_db_blocker.unblock():
        yield


@pytest.fixture(autouse=True)
def _names_without_servers(request: pytest.FixtureRequest) -> Iterator[None]:
    """Tests that need no server have no PostgreSQL to ask for the ledger's table names: none was ever rebuilt."""
    if not {"unit", "properties", "simulation", "architecture"} & set(request.path.parts):
        yield
        return
    current_names.set_source(dict)
    yield
    current_names.set_source(None)
