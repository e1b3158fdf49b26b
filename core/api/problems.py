"""RFC 9457 problem documents: the one place where an exception becomes an answer."""

from http import HTTPStatus
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, JsonResponse
from rest_framework import exceptions
from rest_framework.response import Response

from core.card_numbers import mask
from core.db.transactions import RETRYABLE_SQLSTATES, sqlstate_of
from core.errors import AppError, Busy, DatabaseUnavailable, NotFound

PROBLEM_JSON = "application/problem+json"

log = structlog.get_logger(__name__)


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """REST framework's hook. Returns None for what nobody foresaw; Django then answers 500 through server_error."""
    request = context["request"]
    app_error = _as_app_error(error)
    if app_error is not None:
        return problem_response(app_error, request)
    if isinstance(error, exceptions.APIException):
        return _framework_problem(error, request)
    return None


def problem_response(error: AppError, request: Any) -> Response:
    response = Response(
        document(
            request,
            status=error.status,
            code=error.code,
            title=error.title,
            detail=error.detail,
            retryable=error.retryable,
            **error.extra,
        ),
        status=error.status,
        content_type=PROBLEM_JSON,
    )
    if error.wait_seconds is not None:
        response["Retry-After"] = str(error.wait_seconds)
    if error.status == 401:
        response["WWW-Authenticate"] = "Bearer"
    return response


def document(request: Any, *, status: int, code: str, title: str, detail: str, **extra: Any) -> dict[str, Any]:
    return {
        "type": f"https://countinghouse.invalid/errors/{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "instance": mask(request.path),
        "code": code,
        "request_id": request.META.get("request_id", ""),
        "retryable": False,
        "errors": [],
        **extra,
    }


def _as_app_error(error: Exception) -> AppError | None:
    if isinstance(error, AppError):
        return error
    if isinstance(error, Http404):
        return NotFound("There is nothing at this address.")
    if isinstance(error, OperationalError | InterfaceError):
        if sqlstate_of(error) in RETRYABLE_SQLSTATES:
            return Busy("Concurrent changes kept this one from going through; send the same request again.")
        log.error("database.unavailable", error=str(error))
        return DatabaseUnavailable("The database did not answer; send the same request again shortly.")
    return None


def _framework_problem(error: exceptions.APIException, request: Any) -> Response:
    codes = error.get_codes()
    code = codes if isinstance(codes, str) else "invalid"
    headers = {}
    if isinstance(error, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
        headers["WWW-Authenticate"] = getattr(error, "auth_header", "Bearer")
    wait_seconds = getattr(error, "wait", None)
    if wait_seconds is not None:
        headers["Retry-After"] = str(int(wait_seconds) + 1)
    errors = list(_flatten(error.detail)) if not isinstance(error.detail, str) else []
    detail = str(error.detail) if isinstance(error.detail, str) else "The request has errors; see `errors`."
    if isinstance(error, exceptions.AuthenticationFailed) and errors:
        # simplejwt explains itself in a dictionary; the first sentence is the one a client needs.
        code, detail, errors = "not_authenticated", str(errors[0]["detail"]), []
    return Response(
        document(
            request,
            status=error.status_code,
            code=code,
            title=HTTPStatus(error.status_code).phrase,
            detail=detail,
            retryable=error.status_code in (429, 503),
            errors=errors,
        ),
        status=error.status_code,
        headers=headers,
        content_type=PROBLEM_JSON,
    )


def _flatten(detail: Any, attr: str = "") -> Any:
    if isinstance(detail, dict):
        for key, value in detail.items():
            yield from _flatten(value, f"{attr}.{key}" if attr else str(key))
    elif isinstance(detail, list):
        for position, value in enumerate(detail):
            yield from _flatten(value, attr if not isinstance(value, dict) else f"{attr}.{position}")
    else:
        yield {"code": getattr(detail, "code", "invalid"), "detail": str(detail), "attr": attr}


def not_found(request: HttpRequest, exception: Exception) -> JsonResponse:
    return _plain(request, 404, "not_found", "There is nothing at this address.")


def server_error(request: HttpRequest) -> JsonResponse:
    return _plain(request, 500, "internal_error", "Something failed on our side; it is in the log under request_id.")


def bad_request(request: HttpRequest, exception: Exception) -> JsonResponse:
    return _plain(request, 400, "bad_request", "The request could not be read.")


def forbidden(request: HttpRequest, exception: PermissionDenied) -> JsonResponse:
    return _plain(request, 403, "permission_denied", "You may not do this.")


def plain_problem(error: AppError, request: HttpRequest) -> JsonResponse:
    """The problem document of a refusal outside REST framework, in a middleware for example."""
    answer = _plain(request, error.status, error.code, error.detail, title=error.title)
    if error.status == 401:
        answer["WWW-Authenticate"] = "Bearer"
    return answer


def _plain(request: HttpRequest, status: int, code: str, detail: str, *, title: str = "") -> JsonResponse:
    body = document(request, status=status, code=code, title=title or detail, detail=detail)
    return JsonResponse(body, status=status, content_type=PROBLEM_JSON)
