"""Liveness and readiness."""

import structlog
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.http import HttpRequest, JsonResponse

log = structlog.get_logger(__name__)


def livez(request: HttpRequest) -> JsonResponse:
    """The process answers; says nothing of what it depends on."""
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> JsonResponse:
    """200 while orders can be taken, which needs the PostgreSQL primary and nothing else.

    Redis is reported but never decides: losing it costs latency only.
    """
    is_ready = _postgres_takes_writes()
    checks = {"postgresql": "ok" if is_ready else "down", "redis": "ok" if _redis_answers() else "degraded"}
    return JsonResponse(
        {"status": "ok" if is_ready else "down", "checks": checks, "standby_policy": settings.STANDBY["POLICY"]},
        status=200 if is_ready else 503,
    )


def _postgres_takes_writes() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT NOT pg_is_in_recovery()")
            return bool(cursor.fetchone()[0])
    except Exception:
        # Any failure means the same to whoever asks; the log has the reason.
        log.warning("readyz.postgresql", exc_info=True)
        return False


def _redis_answers() -> bool:
    try:
        cache.get("readyz")
    except Exception:
        log.warning("readyz.redis", exc_info=True)
        return False
    return True
