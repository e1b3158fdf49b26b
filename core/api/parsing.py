"""JSON in, strictly: what could be read in two ways is refused."""

from collections.abc import Mapping
from typing import IO, Any

import orjson
from django.conf import settings
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from core.errors import AppError

NESTING_MAX = 32


class BodyTooLarge(AppError):
    """The body is larger than this API reads."""

    code, status = "body_too_large", 413


class StrictJSONParser(BaseParser):
    """UTF-8 JSON objects only. Refuses NaN, lone surrogates, NUL characters and nesting over NESTING_MAX.

    orjson refuses the first two and bounds its recursion; PostgreSQL cannot store NUL in text.
    """

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        raw = stream.read(limit + 1)
        if len(raw) > limit:
            raise BodyTooLarge(f"A body may have {limit} bytes: send less in one request.")
        if not raw:
            return {}
        try:
            data = orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            raise ParseError(f"The body is not JSON: {error}") from None
        if not isinstance(data, dict):
            raise ParseError("The body must be a JSON object.")
        _refuse_unstorable(data, NESTING_MAX)
        return data


def _refuse_unstorable(value: Any, depth: int) -> None:
    if depth == 0:
        raise ParseError(f"The body is nested deeper than {NESTING_MAX} levels.")
    if isinstance(value, str) and "\x00" in value:
        raise ParseError("Text must not contain the NUL character.")
    if isinstance(value, dict):
        for key, item in value.items():
            _refuse_unstorable(key, depth)
            _refuse_unstorable(item, depth - 1)
    elif isinstance(value, list):
        for item in value:
            _refuse_unstorable(item, depth - 1)
