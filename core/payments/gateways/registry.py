"""The gateways this installation has, by the name their payments are stored under."""

from functools import cache

from django.conf import settings

from core.errors import AppError
from core.payments.gateways.http import HttpGateway
from core.payments.gateways.protocol import Gateway, SettlementSource


class GatewayNotConfigured(AppError):
    """There is no payment provider of this name; name one that is configured."""

    code, status = "gateway_not_configured", 422


@cache
def get(name: str) -> Gateway:
    """The gateway of that name, the same object every time. Raises GatewayNotConfigured."""
    return _adapter(name)


def settlement_source(name: str) -> SettlementSource:
    """Where the provider of that name publishes its settlements. Raises GatewayNotConfigured."""
    return _adapter(name)


def _adapter(name: str) -> HttpGateway:
    try:
        options = settings.GATEWAYS[name]
    except KeyError:
        known = ", ".join(sorted(settings.GATEWAYS))
        raise GatewayNotConfigured(f"{name!r} is not one of: {known}") from None
    return HttpGateway(name=name, url=options["URL"], timeout_seconds=options["TIMEOUT_SECONDS"])
