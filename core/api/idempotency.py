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
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.caller import caller_id
from core.api.models import IdempotencyRecord
from core.api.problems import problem_response
from core.db.transactions import atomically
from core.errors import AppError

_KEY = re.compile(r"[\x21-\x7e]{1,255}")

Handler = Callable[..., Response]


class KeyRequired(AppError):
    """This request needs an Idempotency-Key header."""

    code, status = "idempotency_key_required", 400


class KeyMalformed(AppError):
    """The Idempotency-Key is not usable."""

    code, status = "idempotency_key_malformed", 400


class KeyInFlight(AppError):
    """The first request with this Idempotency-Key is still being worked on."""

    code, status, retryable, retry_after_seconds = "idempotency_key_in_flight", 409, True, 1


class KeyReused(AppError):
    """This Idempotency-Key was used for another request."""

    code, status = "idempotency_key_reused", 422


def idempotent(handler: Handler) -> Handler:
    """Make a POST method of an APIView idempotent by user and key.

    The handler runs inside the transaction opened here; the services' own atomic() nests in it. Refusals (AppError
    below 500) roll the work back to a savepoint and are stored like successes; 5xx and what is retryable never are.
    A stored 202 is a promise, so its replay answers the current state: the view must have
    `current_state(request, *, location, **kwargs)`, given the Location that the first answer named.
    """

    @wraps(handler)
    def wrapper(view: Any, request: Request, **kwargs: Any) -> Response:
        key = _key_of(request)
        fingerprint = _fingerprint_of(request)
        return atomically(lambda: _answer_once(handler, view, request, kwargs, key, fingerprint))

    return wrapper


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
    handler: Handler, view: Any, request: Request, kwargs: dict[str, Any], key: str, fingerprint: bytes
) -> Response:
    user_id = caller_id(request)
    _lock_key(f"{user_id}:{key}")
    record = IdempotencyRecord.objects.filter(user_id=user_id, key=key).first()
    if record is not None:
        return _replay(view, request, kwargs, record, fingerprint)
    response = _first_answer(handler, view, request, kwargs)
    if response.status_code < 500:
        IdempotencyRecord.objects.create(
            user_id=user_id,
            key=key,
            fingerprint=fingerprint,
            status=response.status_code,
            body=orjson.dumps(response.data, default=str),
            location=response.headers.get("Location", ""),
        )
    return response


def _lock_key(scope: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [scope])
        (is_locked,) = cursor.fetchone()
    if not is_locked:
        raise KeyInFlight("Wait for Retry-After seconds and send the same request again.")


def _first_answer(handler: Handler, view: Any, request: Request, kwargs: dict[str, Any]) -> Response:
    try:
        with transaction.atomic():
            return handler(view, request, **kwargs)
    except AppError as refusal:
        if refusal.status >= 500 or refusal.retryable:
            # Stored, it would be the answer to every retry, and a retry is what it asks for.
            raise
        return problem_response(refusal, request)


def _replay(
    view: Any, request: Request, kwargs: dict[str, Any], record: IdempotencyRecord, fingerprint: bytes
) -> Response:
    if bytes(record.fingerprint) != fingerprint:
        raise KeyReused("This Idempotency-Key came with another method, path or body before: use a new key.")
    if record.status == 202:
        response = view.current_state(request, location=record.location, **kwargs)
    else:
        content_type = "application/problem+json" if record.status >= 400 else None
        response = Response(orjson.loads(bytes(record.body)), status=record.status, content_type=content_type)
        if record.location:
            response["Location"] = record.location
    response["Idempotent-Replayed"] = "true"
    return response
