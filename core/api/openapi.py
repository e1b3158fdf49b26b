"""The OpenAPI document: what follows for every operation from what it takes, so that no view has to say it.

A view names its request, its answers and (by @refuses) what only it refuses. Everything else is added here: a wrong
token, a missing object, a body that cannot be read, a key in use, a database that is away. Nothing is ever documented
as 500.
"""

from collections import defaultdict
from typing import Any

from drf_spectacular.openapi import AutoSchema
from rest_framework import serializers
from rest_framework.permissions import AllowAny, IsAdminUser

from core.api.declarations import refusals_of
from core.api.idempotency import KeyMalformed, KeyRequired
from core.api.parsing import BodyTooLarge
from core.api.preconditions import PreconditionFailed
from core.api.problems import PROBLEM_JSON
from core.api.refusals import CardNumberRefused
from core.api.stored_answers import KeyInFlight, KeyReused
from core.errors import AppError, Busy, DatabaseUnavailable, NotFound

TOKEN_SCHEME = "token"
# Codes that REST framework and Django give, with the status they come with.
FRAMEWORK_CODES = {
    "bad_request": 400,
    "invalid": 400,
    "parse_error": 400,
    "not_authenticated": 401,
    "permission_denied": 403,
    "not_acceptable": 406,
    "unsupported_media_type": 415,
}


class FieldErrorSerializer(serializers.Serializer[Any]):
    """What is wrong with one field of the request; `attr` is its path."""

    code = serializers.CharField()
    detail = serializers.CharField()
    attr = serializers.CharField(allow_blank=True)


class ProblemSerializer(serializers.Serializer[Any]):
    """A refusal (RFC 9457). Programs decide by `code`; a refusal may have members of its own beside these."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    instance = serializers.CharField()
    code = serializers.CharField()
    request_id = serializers.CharField(allow_blank=True)
    retryable = serializers.BooleanField(help_text="the same request may succeed later, after Retry-After seconds")
    errors = FieldErrorSerializer(many=True)  # type: ignore[assignment]  # the serializer's own attribute is shadowed


class Schema(AutoSchema):
    """Adds to each operation the refusals that follow from its parameters, body and permissions."""

    def get_auth(self) -> list[dict[str, Any]]:
        """The one scheme of core.settings.api, whichever of our classes reads the token."""
        return [] if self._is_open() else [{TOKEN_SCHEME: []}]

    def get_operation(self, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        operation = super().get_operation(*args, **kwargs)
        if operation is None:
            return None
        responses = operation["responses"]
        names = {parameter["name"] for parameter in operation.get("parameters", [])}
        for response in responses.values():
            _add_headers(response, names)
        for status, codes in sorted(self._codes_by_status(operation).items()):
            responses[str(status)] = self._problem(status, codes)
        operation["responses"] = dict(sorted(responses.items()))
        return operation

    def _codes_by_status(self, operation: dict[str, Any]) -> dict[int, list[str]]:
        found: dict[int, set[str]] = defaultdict(set)
        for error in self._own_refusals(operation):
            found[error.status].add(error.code)
        for code in self._framework_codes(operation):
            found[FRAMEWORK_CODES[code]].add(code)
        return {status: sorted(codes) for status, codes in found.items()}

    def _own_refusals(self, operation: dict[str, Any]) -> list[type[AppError]]:
        names = {parameter["name"] for parameter in operation.get("parameters", [])}
        errors: list[type[AppError]] = [CardNumberRefused, Busy, DatabaseUnavailable]
        errors += refusals_of(getattr(self.view, self.method.lower()))
        if "{" in self.path:
            errors.append(NotFound)
        if self._reads_body(operation):
            errors.append(BodyTooLarge)
        if "Idempotency-Key" in names:
            errors += [KeyRequired, KeyMalformed, KeyInFlight, KeyReused]
        if "If-Match" in names:
            errors.append(PreconditionFailed)
        return errors

    def _framework_codes(self, operation: dict[str, Any]) -> list[str]:
        parameters = operation.get("parameters", [])
        codes = ["bad_request", "not_acceptable"]
        if not self._is_open():
            codes.append("not_authenticated")
        if any(isinstance(permission, IsAdminUser) for permission in self.view.get_permissions()):
            codes.append("permission_denied")
        if self._reads_body(operation):
            codes += ["parse_error", "unsupported_media_type"]
        if "requestBody" in operation or any(parameter["in"] == "query" for parameter in parameters):
            codes.append("invalid")
        return codes

    def _is_open(self) -> bool:
        return any(isinstance(permission, AllowAny) for permission in self.view.get_permissions())

    def _reads_body(self, operation: dict[str, Any]) -> bool:
        """The key's fingerprint covers the body, so it is read even where none is asked for."""
        names = {parameter["name"] for parameter in operation.get("parameters", [])}
        return "requestBody" in operation or "Idempotency-Key" in names

    def _problem(self, status: int, codes: list[str]) -> dict[str, Any]:
        schema = self.resolve_serializer(ProblemSerializer, "response").ref
        response: dict[str, Any] = {
            "description": ", ".join(f"`{code}`" for code in codes),
            "content": {PROBLEM_JSON: {"schema": schema}},
        }
        if status in (429, 503) or KeyInFlight.code in codes:
            response["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "seconds"}}
        return response


# Header of an answer → its description, by the header of the request that brings it.
ANSWERED_WITH = {
    "Idempotency-Key": ("Idempotent-Replayed", "true when this is the answer of an earlier request"),
    "Prefer": ("Preference-Applied", "wait=N when the answer was held for up to N seconds"),
}


def _add_headers(response: dict[str, Any], asked: set[str]) -> None:
    """The headers that a success may have besides the usual ones."""
    headers = {name: text for given, (name, text) in ANSWERED_WITH.items() if given in asked}
    schema = response.get("content", {}).get("application/json", {}).get("schema", {})
    if schema.get("$ref") == "#/components/schemas/Order":
        headers |= {"ETag": "for If-Match", "Location": "the order's address"}
    if headers:
        described = {name: {"schema": {"type": "string"}, "description": text} for name, text in headers.items()}
        response["headers"] = described
