"""Gateways by name."""

import pytest
from pytest_django import Settings

from core.payments.gateways import registry


@pytest.fixture(autouse=True)
def _forget() -> None:
    registry.get.cache_clear()


def test_configured_gateway_is_one_object_under_its_name(settings: Settings) -> None:
    settings.GATEWAYS = {"simulator": {"URL": "http://127.0.0.1:1", "TIMEOUT_SECONDS": 2.0}}

    gateway = registry.get("simulator")

    assert gateway.name == "simulator"
    assert registry.get("simulator") is gateway


def test_unknown_gateway_is_refused_and_the_known_are_named(settings: Settings) -> None:
    settings.GATEWAYS = {"simulator": {"URL": "http://127.0.0.1:1", "TIMEOUT_SECONDS": 2.0}}

    with pytest.raises(registry.GatewayNotConfigured, match="simulator"):
        registry.get("stripe")
