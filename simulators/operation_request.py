"""From the bytes of a request to an OperationRequest, or to a sentence saying what is wrong with it."""

import json
import re
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from simulators.card_tokens import Kind
from simulators.refusals import BadRequest

FIELDS = frozenset({"payment_id", "kind", "amount_minor", "currency", "token"})
TOKEN_CHARACTERS_MAX = 200
AMOUNT_MINOR_MAX = 10**15


@dataclass(frozen=True, slots=True)
class OperationRequest:
    """One request to hold, take, let go of or give back money; `amount_minor` in minor units of `currency`."""

    operation_id: UUID
    payment_id: UUID
    kind: Kind
    amount_minor: int
    currency: str
    token: str

    def as_record(self) -> dict[str, Any]:
        """Its fields as the log keeps them."""
        texts = {"operation_id": str(self.operation_id), "payment_id": str(self.payment_id), "kind": str(self.kind)}
        return asdict(self) | texts


def parse_operation(*, idempotency_key: str | None, body: bytes) -> OperationRequest:
    """Read an operation; `idempotency_key` is its id. Raises BadRequest."""
    if not idempotency_key:
        raise BadRequest("the header Idempotency-Key is missing")
    fields = parse_object(body)
    if fields.keys() != FIELDS:
        wrong = ", ".join(sorted(fields.keys() ^ FIELDS))
        raise BadRequest(f"missing or unknown fields: {wrong}")
    return OperationRequest(
        operation_id=parse_uuid("operation id", idempotency_key),
        payment_id=parse_uuid("payment_id", fields["payment_id"]),
        kind=_kind(fields["kind"]),
        amount_minor=parse_amount(fields["amount_minor"]),
        currency=_currency(fields["currency"]),
        token=parse_text("token", fields["token"], TOKEN_CHARACTERS_MAX),
    )


def parse_object(body: bytes) -> dict[str, Any]:
    """A JSON object. Raises BadRequest."""
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        raise BadRequest("the body is not JSON") from None
    if not isinstance(fields, dict):
        raise BadRequest("the body is not a JSON object")
    return fields


def parse_uuid(name: str, value: Any) -> UUID:
    """A UUID in its usual text form. Raises BadRequest."""
    try:
        return UUID(value)
    except (ValueError, TypeError, AttributeError):
        raise BadRequest(f"{name} is not a UUID") from None


def parse_amount(value: Any) -> int:
    """A positive amount in minor units. Raises BadRequest."""
    # bool is an int to Python, but true is no amount.
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= AMOUNT_MINOR_MAX:
        raise BadRequest(f"amount_minor is not an integer from 1 to {AMOUNT_MINOR_MAX}")
    return value


def parse_text(name: str, value: Any, characters_max: int) -> str:
    """A text of bounded length. Raises BadRequest."""
    if not isinstance(value, str) or len(value) > characters_max:
        raise BadRequest(f"{name} is not a text of at most {characters_max} characters")
    return value


def _kind(value: Any) -> Kind:
    try:
        return Kind(value)
    except ValueError:
        raise BadRequest(f"kind is not one of {', '.join(Kind)}") from None


def _currency(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[A-Z]{3}", value):
        raise BadRequest("currency is not three capital letters")
    return value
