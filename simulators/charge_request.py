"""From the bytes of a request to a Charge, or to a sentence saying what is wrong with it."""

import json
import re
from typing import Any
from uuid import UUID

from simulators.provider import Charge

FIELDS = frozenset({"payment_id", "kind", "amount_minor", "currency", "token"})
TOKEN_CHARACTERS_MAX = 200
AMOUNT_MINOR_MAX = 10**15


class BadRequest(Exception):
    """The request was refused before anything was stored; its message says which part to mend."""


def parse_charge(*, idempotency_key: str | None, body: bytes) -> Charge:
    """Read a charge; `idempotency_key` is the operation id. Raises BadRequest."""
    if not idempotency_key:
        raise BadRequest("the header Idempotency-Key is missing")
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        raise BadRequest("the body is not JSON") from None
    if not isinstance(fields, dict):
        raise BadRequest("the body is not a JSON object")
    if fields.keys() != FIELDS:
        wrong = ", ".join(sorted(fields.keys() ^ FIELDS))
        raise BadRequest(f"missing or unknown fields: {wrong}")
    return Charge(
        operation_id=parse_operation_id(idempotency_key),
        payment_id=_uuid("payment_id", fields["payment_id"]),
        kind=_matching("kind", fields["kind"], r"[a-z_]{1,32}"),
        amount_minor=_amount(fields["amount_minor"]),
        currency=_matching("currency", fields["currency"], r"[A-Z]{3}"),
        token=_token(fields["token"]),
    )


def parse_operation_id(text: str) -> UUID:
    """An operation id in its usual text form. Raises BadRequest."""
    return _uuid("operation id", text)


def _uuid(name: str, value: Any) -> UUID:
    try:
        return UUID(value)
    except (ValueError, TypeError, AttributeError):
        raise BadRequest(f"{name} is not a UUID") from None


def _matching(name: str, value: Any, pattern: str) -> str:
    if not isinstance(value, str) or not re.fullmatch(pattern, value):
        raise BadRequest(f"{name} does not match {pattern}")
    return value


def _amount(value: Any) -> int:
    # bool is an int to Python, but true is no amount.
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= AMOUNT_MINOR_MAX:
        raise BadRequest(f"amount_minor is not an integer from 1 to {AMOUNT_MINOR_MAX}")
    return value


def _token(value: Any) -> str:
    if not isinstance(value, str) or len(value) > TOKEN_CHARACTERS_MAX:
        raise BadRequest(f"token is not a text of at most {TOKEN_CHARACTERS_MAX} characters")
    return value
