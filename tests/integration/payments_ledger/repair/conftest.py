"""A day of payments in both stores, whole again after the test."""

import pytest

from tests.factories.ledger_damage import PaymentsOfADay
from tests.integration.payments_ledger.repair.repairs import mended


@pytest.fixture
def day():
    made = PaymentsOfADay()
    yield made
    mended(made)
