"""The one client of Redis outside Celery and Django's cache: every call is bounded, every caller can do without it."""

from functools import cache

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

# redis-py's own retries multiply the timeouts, so there are none: whoever calls has a way to go on.
SECONDS_MAX = 0.5

# What a call raises when Redis is away, hung or refuses; catch it and go on without.
RedisError = redis.RedisError


@cache
def client() -> redis.Redis:
    """This process's client, connected on first use; safe to share among threads and after a fork."""
    return redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=SECONDS_MAX,
        socket_connect_timeout=SECONDS_MAX,
        retry=Retry(NoBackoff(), retries=0),
    )
