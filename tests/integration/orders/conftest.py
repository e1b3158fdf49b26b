from collections.abc import Iterator

import pytest

from tests import played_provider


@pytest.fixture
def provider(settings) -> Iterator[object]:
    """A provider played by the test; nothing is left open afterwards, because the books are checked at the end."""
    settings.CARD_GATEWAY = played_provider.NAME
    yield played_provider
    played_provider.settle_everything()
