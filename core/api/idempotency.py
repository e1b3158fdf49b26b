"""Idempotency-Key: the same key and body always get the same answer, and the work is done once.

The answer is stored in the transaction that does the work, so there is no moment in which one exists without the
other. Protocol: docs/architecture.md, "idempotent POST".
"""

import hashlib
import re
from collections.abc import Callable
from functools import wraps
from typing import Any

import orjson
from django.db import connection, transaction
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.caller import caller_id
from core.api.problems import PROBLEM_JSON, problem_response
from core.api.rendering import rendered
from core.api.stored_answers import (
    FIND,
    STORE,
    TRY_LOCK,
    Attempt,
    StoredAnswer,
    answer_values,
    is_kept,
    refuse_unless_locked,
    replay_of,
    values_of,
)
from core.db.transactions import atomically
from core.errors import AppError
from core.failpoints import failpoint

_KEY = re.compile(r"[\x21-\x7e]{1,255}")

Handler = Callable[..., Response]


class KeyRequired(AppError):
    """This request needs an Idempotency-Key header."""

    code, status = "idempotency_key_required", 400


class KeyMalformed(AppError):
    """The Idempotency-Key is not usable."""

    code, status = "idempotency_key_malformed", 400


def idempotent(handler: Handler) -> Callable[..., HttpResponse]:
    """Make a POST method of an APIView idempotent by user and key.

    The handler runs inside the transaction opened here; the services' own atomic() nests in it. Refusals (AppError
    below 500) roll the work back to a savepoint and are stored like successes; 5xx and what is retryable never are.
    A stored 202 is a promise, so its replay answers the current state: the view must have
    `current_state(request, *, location, **kwargs)`, given the Location that the first answer named.
    """

    @wraps(handler)
    def wrapper(view: Any, request: Request, **kwargs: Any) -> HttpResponse:
        attempt = attempt_of(request, user_id=caller_id(request))
        response = atomically(lambda: _answer_once(handler, view, request, kwargs, attempt))
        failpoint("request.committed")
        return response

    return wrapper


def attempt_of(request: Request, *, user_id: Any) -> Attempt:
    """The request under its key. Raises KeyRequired or KeyMalformed."""
    return Attempt(user_id, _key_of(request), _fingerprint_of(request))


def response_of(answer: StoredAnswer) -> HttpResponse:
    """The stored bytes as an answer; a replay says that it is one."""
    content_type = PROBLEM_JSON if answer.status >= 400 else "application/json"
    response = HttpResponse(answer.body, status=answer.status, content_type=content_type)
    if answer.location:
        response["Location"] = answer.location
    if answer.is_replay:
        response["Idempotent-Replayed"] = "true"
    return response


def stored(response: Response) -> StoredAnswer:
    """A response as it is kept."""
    return StoredAnswer(response.status_code, rendered(response.data), response.headers.get("Location", ""))


def _key_of(request: Request) -> str:
    key = request.headers.get("Idempotency-Key")
    if not key:
        raise KeyRequired("Send an Idempotency-Key header: a random value, the same on every retry of this request.")
    if not _KEY.fullmatch(key):
        raise KeyMalformed("An Idempotency-Key has 1 to 255 printable ASCII characters without spaces.")
    return key


def _fingerprint_of(request: Request) -> bytes:
    body = orjson.dumps(request.data, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(b"\0".join([str(request.method).encode(), request.path.encode(), body])).digest()


def _answer_once(
    handler: Handler, view: Any, request: Request, kwargs: dict[str, Any], attempt: Attempt
) -> HttpResponse:
    values = values_of(attempt)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {TRY_LOCK}", values)
        refuse_unless_locked(cursor.fetchone()[0])
        # A statement of its own, so that its snapshot is younger than the lock.
        cursor.execute(FIND, values)
        record = cursor.fetchone()
    if record is not None:
        return _replay(view, request, kwargs, replay_of(attempt, record))
    response = _first_answer(handler, view, request, kwargs)
    if response.status_code < 500:
        with connection.cursor() as cursor:
            cursor.execute(STORE, values | answer_values(stored(response)))
    failpoint("request.answered")
    return response


def _first_answer(handler: Handler, view: Any, request: Request, kwargs: dict[str, Any]) -> Response:
    try:
        with transaction.atomic():
            return handler(view, request, **kwargs)
    except AppError as refusal:
        if not is_kept(refusal):
            raise
        return problem_response(refusal, request)


def _replay(view: Any, request: Request, kwargs: dict[str, Any], answer: StoredAnswer) -> HttpResponse:
    if answer.status != 202:
        return response_of(answer)
    response: Response = view.current_state(request, location=answer.location, **kwargs)
    response["Idempotent-Replayed"] = "true"
    return response
