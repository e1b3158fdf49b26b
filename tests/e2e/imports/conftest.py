"""A shop for each test."""

import pytest

from tests.e2e.imports.shop import Shop


@pytest.fixture
def shop() -> Shop:
    return Shop()
