"""The canonical body of a payment event: read, and refused by name when it can never be recorded. Pure."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

import orjson

from core.ids import event_id
from core.payments.domain.accounts import imbalance_of, unknown_accounts
from payments_ledger.errors import AccountUnknown, BodyUnreadable, FieldInvalid, KeyMismatch, PostingsUnbalanced

# Cassandra's limits are the event's limits: what a column cannot hold must be refused before anything is written.
INT16 = (-(2**15), 2**15 - 1)
INT32 = (-(2**31), 2**31 - 1)
INT64 = (-(2**63), 2**63 - 1)

_INTEGERS: dict[str, tuple[int, int]] = {
    "seq": (1, INT32[1]),
    "amount_minor": INT64,
    "authorized_minor": INT64,
    "captured_minor": INT64,
    "refunded_minor": INT64,
    "disputed_minor": INT64,
    "bucket": (0, INT16[1]),
    "schema_version": (1, INT16[1]),
}
_TEXTS = ("event_type", "payment_type", "provider", "provider_ref", "status_after", "region")
_REQUIRED_TEXTS = frozenset({"event_type", "payment_type", "status_after"})
_IDS = ("event_id", "payment_id", "order_id", "user_id")
_TIMES = ("occurred_at", "booked_at", "payment_created_at")


def fields_of(body: bytes, *, payment_id: UUID | None = None, seq: int | None = None) -> dict[str, Any]:
    """The body's fields with ids, times and day as values; each present and within its column's range.

    `payment_id` and `seq` are what the carrier of the body claims; each is checked when given. Raises a PoisonEvent.
    """
    fields = _checked(_parsed(body))
    _require_identity(fields, payment_id=payment_id, seq=seq)
    return fields


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        fields = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BodyUnreadable(f"not JSON: {error}") from error
    if not isinstance(fields, dict):
        raise BodyUnreadable(f"a JSON object was expected, this is {type(fields).__name__}")
    return fields


def _checked(fields: dict[str, Any]) -> dict[str, Any]:
    """The same fields, with ids, times and day as values; every one present and within its column's range."""
    for name, (least, most) in _INTEGERS.items():
        value = fields.get(name)
        # bool is an int to isinstance, but `true` is no amount.
        if type(value) is not int or not least <= value <= most:
            raise FieldInvalid(f"{name} must be an integer between {least} and {most}, not {value!r}")
    for name in _TEXTS:
        value = fields.get(name)
        if not isinstance(value, str) or (not value and name in _REQUIRED_TEXTS):
            raise FieldInvalid(f"{name} must be text, not {value!r}")
    currency = fields.get("currency")
    if not isinstance(currency, str) or len(currency) != 3:
        raise FieldInvalid(f"currency must be three letters, not {currency!r}")
    values = dict(fields)
    for name in _IDS:
        values[name] = _uuid(name, fields.get(name))
    values["object_id"] = None if fields.get("object_id") is None else _uuid("object_id", fields["object_id"])
    for name in _TIMES:
        values[name] = _moment(name, fields.get(name))
    values["booking_day"] = _day(fields.get("booking_day"))
    if values["booking_day"] != values["booked_at"].date():
        raise FieldInvalid(f"booking_day must be the UTC day of booked_at, not {values['booking_day']}")
    _require_double_entry(fields.get("postings"))
    return values


def _uuid(name: str, value: object) -> UUID:
    # 36 characters: of the spellings UUID() takes only the hyphenated one is canonical.
    if isinstance(value, str) and len(value) == 36:
        try:
            return UUID(value)
        except ValueError:
            pass
    raise FieldInvalid(f"{name} must be a hyphenated UUID, not {value!r}")


def _moment(name: str, value: object) -> datetime:
    if isinstance(value, str) and len(value) == 27 and value[-1] == "Z":
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            pass
    raise FieldInvalid(f"{name} must be a UTC time with microseconds, not {value!r}")


def _day(value: object) -> date:
    if isinstance(value, str) and len(value) == 10:
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise FieldInvalid(f"booking_day must be a date, not {value!r}")


def _require_double_entry(postings: object) -> None:
    if not isinstance(postings, Mapping):
        raise FieldInvalid(f"postings must be an object of account to minor units, not {postings!r}")
    for account, amount in postings.items():
        if not account or type(amount) is not int or not INT64[0] <= amount <= INT64[1]:
            raise FieldInvalid(f"posting {account!r} must be an integer of minor units, not {amount!r}")
    imbalance = imbalance_of(postings)
    if imbalance:
        raise PostingsUnbalanced(f"postings {dict(postings)!r} sum to {imbalance}, not to zero")
    unknown = unknown_accounts(postings)
    if unknown:
        raise AccountUnknown(f"the chart of accounts has no {', '.join(map(repr, unknown))}")


def _require_identity(fields: dict[str, Any], *, payment_id: UUID | None, seq: int | None) -> None:
    if payment_id is not None and payment_id != fields["payment_id"]:
        raise KeyMismatch(f"the carrier says payment {payment_id}, the body {fields['payment_id']}")
    if seq is not None and seq != fields["seq"]:
        raise KeyMismatch(f"the carrier says sequence number {seq}, the body {fields['seq']}")
    expected = event_id(fields["payment_id"], fields["seq"])
    if fields["event_id"] != expected:
        raise KeyMismatch(f"event_id must be {expected} for this payment and sequence number")
