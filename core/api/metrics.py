"""`/metrics`: the state of the books in Prometheus' text format, for whoever holds METRICS_TOKEN.

All of it is read from PostgreSQL when it is asked for: every web process gives the same answer, and there is nothing to
add up between processes or to lose at a restart. Each area says what it measures in its own `metrics.py`.
"""

import secrets
from collections.abc import Callable, Iterable, Iterator

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from core.api.problems import plain_problem
from core.errors import AppError, DatabaseUnavailable, NotFound

log = structlog.get_logger(__name__)

Source = Callable[[], Iterable[Metric]]


class MetricsTokenRefused(AppError):
    """Metrics are shown to who holds their token."""

    code, status = "metrics_token_refused", 401


class _Collected(Collector):
    """One source, as the client library wants it."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def collect(self) -> Iterator[Metric]:
        yield from self._source()

    def describe(self) -> Iterable[Metric]:
        # Or registering would read the database.
        return []


def metrics_of(*sources: Source) -> Callable[[HttpRequest], HttpResponse]:
    """The view that shows what these sources measure, each read anew for every request.

    404 where METRICS_TOKEN is not set, 401 without `Authorization: Bearer <token>`, 503 while PostgreSQL is away.
    """
    registry = CollectorRegistry()
    for source in sources:
        registry.register(_Collected(source))

    def metrics(request: HttpRequest) -> HttpResponse:
        try:
            _check_token(request)
            return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_PLAIN_0_0_4)
        except AppError as refusal:
            return plain_problem(refusal, request)
        except (OperationalError, InterfaceError):
            log.warning("metrics.unavailable", exc_info=True)
            return plain_problem(DatabaseUnavailable("The database did not answer; ask again shortly."), request)

    return metrics


def _check_token(request: HttpRequest) -> None:
    """Raises NotFound, MetricsTokenRefused."""
    if not settings.METRICS_TOKEN:
        raise NotFound("There is nothing at this address.")
    given = request.headers.get("Authorization", "")
    # As bytes: compare_digest refuses text that is not ASCII.
    if not secrets.compare_digest(given.encode(), f"Bearer {settings.METRICS_TOKEN}".encode()):
        raise MetricsTokenRefused("Send the value of METRICS_TOKEN as a bearer token.")
