"""JSON in, strictly: what could be read in two ways is refused, and so are card numbers."""

import json
from collections.abc import Mapping
from typing import IO, Any

import orjson
from django.conf import settings
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from core.api.refusals import CardNumberRefused
from core.card_numbers import contains_card_number
from core.errors import AppError

NESTING_MAX = 32
# What 64 bits hold exactly has at most this many digits and a sign.
INTEGER_CHARACTERS_MAX = 20


class BodyTooLarge(AppError):
    """The body is larger than this API reads."""

    code, status = "body_too_large", 413


class StrictJSONParser(BaseParser):
    """UTF-8 JSON objects only. Refuses NaN, lone surrogates, NUL, repeated names, numbers that no 64 bits hold,
    nesting over NESTING_MAX, and card numbers anywhere.

    orjson refuses the first two and bounds its recursion; PostgreSQL cannot store NUL in text.
    """

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        raw = _read_bounded(stream)
        data = strict_object(raw) if raw else {}
        _refuse_card_numbers(data)
        return data


class RawJSONParser(BaseParser):
    """The bytes as they came, for a body whose signature is over exactly these; `strict_object` reads them later."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        return _read_bounded(stream)


def strict_object(raw: bytes) -> dict[str, Any]:
    """The JSON object these bytes are. Raises ParseError for what can be read in two ways or stored in none.

    Card numbers pass: a provider's signed event may name things by numbers that happen to satisfy Luhn.
    """
    try:
        data = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise ParseError(f"The body is not JSON: {error}") from None
    if not isinstance(data, dict):
        raise ParseError("The body must be a JSON object.")
    _refuse_unstorable(data, NESTING_MAX)
    _refuse_ambiguous(raw)
    return data


def _read_bounded(stream: IO[Any]) -> bytes:
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    raw = bytes(stream.read(limit + 1))
    if len(raw) > limit:
        raise BodyTooLarge(f"A body may have {limit} bytes: send less in one request.")
    return raw


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


def _refuse_card_numbers(value: Any) -> None:
    if isinstance(value, dict):
        for key, item in value.items():
            _refuse_card_numbers(key)
            _refuse_card_numbers(item)
    elif isinstance(value, list):
        for item in value:
            _refuse_card_numbers(item)
    else:
        # A float only where it is a whole number: the digits of a fraction are no card's.
        whole = int(value) if isinstance(value, float) and value.is_integer() else value
        if isinstance(whole, str | int) and contains_card_number(str(whole)):
            raise CardNumberRefused


def _refuse_ambiguous(raw: bytes) -> None:
    """Look at the text once more for what orjson lets pass: of two equal names it takes the last, and it rounds."""
    _CAREFUL.decode(raw.decode())


def _refuse_repeated_names(pairs: list[tuple[str, Any]]) -> None:
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        raise ParseError("A name occurs twice in one object of the body.")


def _refuse_long(text: str) -> None:
    if len(text) > INTEGER_CHARACTERS_MAX or not -(2**63) <= int(text) < 2**64:
        raise ParseError("A number in the body is larger than 64 bits hold.")


_CAREFUL = json.JSONDecoder(object_pairs_hook=_refuse_repeated_names, parse_int=_refuse_long)
