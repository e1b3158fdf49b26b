"""The voice of a provider, and an order it has something to say about."""

from collections.abc import Iterator

import pytest

from tests import played_provider
from tests.integration.webhooks.purchase import Purchase
from tests.provider_events import SECRET, ProviderVoice


@pytest.fixture
def voice(settings) -> Iterator[ProviderVoice]:
    """The voice of a provider that the test plays; nothing is left open afterwards."""
    settings.CARD_GATEWAY = played_provider.NAME
    settings.GATEWAYS = {**settings.GATEWAYS, played_provider.NAME: {"WEBHOOK_SECRETS": [SECRET]}}
    yield ProviderVoice()
    played_provider.settle_everything()


@pytest.fixture
def purchase(voice: ProviderVoice) -> Purchase:
    return Purchase()
