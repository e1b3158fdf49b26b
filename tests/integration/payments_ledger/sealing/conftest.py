"""A day that may be sealed."""

import pytest

from tests.integration.payments_ledger.sealable import SealableDay


@pytest.fixture
def day():
    return SealableDay()
