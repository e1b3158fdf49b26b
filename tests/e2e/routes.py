"""Every route and method of the API, from the URL table, and a request for each that its owner could send."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
API = "api/v1/"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One method of one route. `route` is as in urls.py, `ids` the names in it."""

    name: str
    method: str
    route: str
    ids: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.method} {self.route.removeprefix(API)}"

    def path(self, ids: dict[str, str]) -> str:
        """The address with these ids, from below the API's root."""
        path = self.route.removeprefix(API)
        for part in self.route.split("<")[1:]:
            converter = part.split(">")[0]
            path = path.replace(f"<{converter}>", ids[converter.split(":")[-1]])
        return path


def endpoints(*, implemented: bool = True) -> list[Endpoint]:
    """What the URL table knows; with `implemented` false, the methods that routes do not have."""
    return [
        Endpoint(str(pattern.name), method, route, tuple(pattern.pattern.converters))
        for route, pattern in _routes("", get_resolver().url_patterns)
        if route.startswith(API)
        for method in METHODS
        if hasattr(pattern.callback.view_class, method.lower()) == implemented  # type: ignore[attr-defined]
    ]


def _routes(prefix: str, patterns: list[Any]) -> Iterator[tuple[str, URLPattern]]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _routes(route, pattern.url_patterns)
        else:
            yield route, pattern


# Endpoint → a body that is well formed. Every method but GET must be here: a new one fails the tests until it is.
BODIES: dict[str, dict[str, Any]] = {
    "POST accounts": {"email": "x", "password": "x"},
    "PATCH accounts/me": {"country": "Iceland"},
    "POST accounts/me/password": {"old_password": "wrong", "new_password": "another horse battery"},
    "POST tokens": {"email": "nobody@example.org", "password": "wrong"},
    "POST tokens/refresh": {"refresh": "x"},
    "POST tokens/revoke": {"refresh": "x"},
    "POST orders": {"lines": [{"product_id": "{product}", "quantity": 1}]},
    "POST orders/<uuid:order_id>/lines": {"product_id": "{product}", "quantity": 1},
    "PATCH orders/<uuid:order_id>/lines/<uuid:line_id>": {"quantity": 1},
    "DELETE orders/<uuid:order_id>/lines/<uuid:line_id>": {},
    "POST orders/<uuid:order_id>/checkout": {"method": "wallet"},
    "POST orders/<uuid:order_id>/payments": {"instruments": [{"method": "wallet", "amount_minor": 1}]},
    "POST orders/<uuid:order_id>/cancel": {},
    "POST orders/<uuid:order_id>/ship": {},
    "POST payments/<uuid:payment_id>/capture": {},
    "POST payments/<uuid:payment_id>/void": {},
    "POST payments/<uuid:payment_id>/refunds": {"amount_minor": 1},
    "POST disputes/<uuid:dispute_id>/evidence": {"evidence": "a photograph"},
    "POST operations/<uuid:operation_id>/resolve": {"resolution": "looked at it"},
    "POST wallets": {"currency": "EUR"},
    "POST wallets/deposits": {"user_id": "{user}", "amount_minor": 1, "currency": "GBP"},
    "POST vouchers": {"amount_minor": 1, "currency": "GBP"},
    "POST webhook-endpoints": {"url": "ftp://127.0.0.1/", "event_types": ["payments.payment.captured.v1"]},
    "PATCH webhook-endpoints/<uuid:endpoint_id>": {"is_enabled": False},
    "DELETE webhook-endpoints/<uuid:endpoint_id>": {},
    "POST webhook-deliveries/<uuid:delivery_id>/replay": {},
    "POST ledger/settlement-breaks/<uuid:break_id>/resolve": {"note": "looked at it"},
    "POST webhooks/<str:provider>": {"id": "evt_1", "type": "operation.succeeded", "created_at": 1, "data": {}},
}
