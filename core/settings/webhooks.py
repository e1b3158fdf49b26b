"""Webhooks to merchants' endpoints: where they may go, and how often they are tried."""

from core.env import env

# Schemes and ports an endpoint's URL may have; no port at all listed means any.
WEBHOOK_SCHEMES = env.list("WEBHOOK_SCHEMES", default=["https"])
WEBHOOK_PORTS = [int(port) for port in env.list("WEBHOOK_PORTS", default=["443", "8443"]) if port]
# For a stack on one machine only: with it whoever manages endpoints can make us call what only we can reach.
WEBHOOK_ALLOW_PRIVATE_ADDRESSES = env.bool("WEBHOOK_ALLOW_PRIVATE_ADDRESSES", default=False)
WEBHOOK_TIMEOUT_SECONDS = env.float("WEBHOOK_TIMEOUT_SECONDS", default=5.0)
# Seconds after the first, second, … failed attempt; after the last one the delivery is exhausted.
WEBHOOK_RETRY_DELAYS_SECONDS = [
    int(seconds)
    for seconds in env.list("WEBHOOK_RETRY_DELAYS_SECONDS", default=["5", "30", "120", "600", "3600", "21600", "86400"])
]
WEBHOOK_CONCURRENCY = env.int("WEBHOOK_CONCURRENCY", default=8)
