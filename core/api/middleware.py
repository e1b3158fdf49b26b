"""Every request has an id, in its answer and in each log line it causes."""

import re
from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse

from core.card_numbers import contains_card_number
from core.ids import new_id

_ACCEPTABLE = re.compile(r"[A-Za-z0-9._-]{1,64}")
_TRACEPARENT = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


class RequestIdMiddleware:
    """Takes the caller's X-Request-Id when it is well-formed, makes one otherwise, and echoes it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-Id", "")
        is_usable = _ACCEPTABLE.fullmatch(given) and not contains_card_number(given)
        request_id = given if is_usable else str(new_id())
        request.META["request_id"] = request_id
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        traceparent = request.headers.get("traceparent", "")
        if _TRACEPARENT.fullmatch(traceparent):
            # The outbox copies it into each message, so that a trace goes on behind Kafka.
            structlog.contextvars.bind_contextvars(traceparent=traceparent)
        response = self.get_response(request)
        response["X-Request-Id"] = request_id
        return response
