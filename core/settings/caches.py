"""Redis: broker, cache and wake-ups. Losing all of it costs latency, never data."""

from core.env import env

REDIS_URL = env.str("REDIS_URL", default="redis://127.0.0.1:6379/0")

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        # redis-py's own retries multiply the timeout (0.5 s became 9.3 s), so both are set.
        "OPTIONS": {"socket_timeout": 0.5, "socket_connect_timeout": 0.5, "retry_on_timeout": False},
    }
}
