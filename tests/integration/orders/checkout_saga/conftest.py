"""A purchase for each test."""

import pytest

from tests.integration.orders.checkout_saga.purchase import Purchase


@pytest.fixture
def purchase() -> Purchase:
    return Purchase()
