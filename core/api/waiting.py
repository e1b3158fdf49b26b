"""Prefer: wait=N (RFC 7240): hold a 202 until it is settled, for at most N seconds, and answer how it ended.

Nothing depends on it: the work goes on elsewhere whether anybody waits, and whoever does not wait polls the Location.
"""

import re
import threading
import time
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from rest_framework.request import Request

from core.db.wakeups import listening

WAIT_SECONDS_MAX = 20

_WAIT = re.compile(r'wait="?(\d{1,9})"?', re.IGNORECASE)
# Waiting takes a thread each: some must be left for those who do not wait, or nothing would ever be settled in time.
_places = threading.BoundedSemaphore(settings.WAITERS_MAX)


def may_wait(subject: str) -> Callable[[Callable[..., HttpResponse]], Callable[..., HttpResponse]]:
    """Make a method of a view honour `Prefer: wait`. Put it around @idempotent: waiting is for after the commit.

    `subject` names the argument whose id is rung when what was accepted moves on. The view must have
    `current_state(request, *, location, **kwargs)`, which answers 202 until it is settled.
    """

    def decorator(handler: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @wraps(handler)
        def wrapper(view: Any, request: Request, **kwargs: Any) -> HttpResponse:
            response = handler(view, request, **kwargs)
            seconds = preferred_seconds(request.headers.get("Prefer", ""))
            if response.status_code != 202 or not seconds or not _places.acquire(blocking=False):
                return response
            try:
                location = response.headers.get("Location", "")
                later = _settled(
                    lambda: view.current_state(request, location=location, **kwargs), kwargs[subject], seconds
                )
            finally:
                _places.release()
            if "Idempotent-Replayed" in response.headers:
                later["Idempotent-Replayed"] = "true"
            later["Preference-Applied"] = f"wait={seconds}"
            return later

        return wrapper

    return decorator


def preferred_seconds(prefer: str) -> int:
    """Seconds the caller is ready to wait, WAIT_SECONDS_MAX at most; 0 when it did not say or said it malformed."""
    for preference in prefer.split(","):
        if found := _WAIT.fullmatch(preference.split(";")[0].strip()):
            return min(int(found[1]), WAIT_SECONDS_MAX)
    return 0


def _settled(current_state: Callable[[], HttpResponse], subject: Any, seconds: int) -> HttpResponse:
    """The first answer that is not 202, or the last one before the time is over."""
    deadline = time.monotonic() + seconds
    with listening(subject) as wait:
        while True:
            response = current_state()
            remaining = deadline - time.monotonic()
            if response.status_code != 202 or remaining <= 0:
                return response
            wait(remaining)
