"""Gateways and the rhythm in which unknown outcomes are asked for."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured

from core.env import env

# What providers sign their webhooks with: one secret, or two while an old one is being replaced.
PROVIDER_WEBHOOK_SECRETS = [
    secret.strip() for secret in env.list("PROVIDER_WEBHOOK_SECRETS", default=[]) if secret.strip()
]
if len(PROVIDER_WEBHOOK_SECRETS) > 2:
    raise ImproperlyConfigured("PROVIDER_WEBHOOK_SECRETS names more than two secrets: take out the one not in use")

GATEWAYS: dict[str, dict[str, Any]] = {
    "simulator": {
        "URL": env.str("PROVIDER_URL", default="http://127.0.0.1:18080"),
        "TIMEOUT_SECONDS": env.float("PROVIDER_TIMEOUT_SECONDS", default=2.0),
        "WEBHOOK_SECRETS": PROVIDER_WEBHOOK_SECRETS,
    }
}
CARD_GATEWAY = env.str("CARD_GATEWAY", default="simulator")

# Seconds before the first, second, … query of an operation whose outcome is unknown. After the last one a person is
# told, and it repeats for ever, because nothing is ever failed by time alone.
OPERATION_QUERY_DELAYS_SECONDS: list[int] = [
    int(seconds)
    for seconds in env.list("OPERATION_QUERY_DELAYS_SECONDS", default=["60", "300", "3600", "21600", *["86400"] * 5])
]
# A worker that took an operation owns it this long; longer than the gateway's timeout, or the answer comes too late.
OPERATION_LEASE_SECONDS = env.int("OPERATION_LEASE_SECONDS", default=30)
OPERATION_CONCURRENCY = env.int("OPERATION_CONCURRENCY", default=8)
# A checkout that is not authorized by then gives back what it holds, unless a provider is still to decide.
CHECKOUT_DEADLINE_SECONDS = env.int("CHECKOUT_DEADLINE_SECONDS", default=1800)

# How far a provider's settlement may be from the ledger: amounts in minor units, days in either direction.
SETTLEMENT = {
    "tolerance_minor": env.int("SETTLEMENT_TOLERANCE_MINOR", default=0),
    "days_max": env.int("SETTLEMENT_DAYS_MAX", default=2),
}
for _name, _value in SETTLEMENT.items():
    if _value < 0:
        raise ImproperlyConfigured(f"SETTLEMENT_{_name.upper()}={_value}: it cannot be negative")
