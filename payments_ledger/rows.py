"""A payment event's body → its row in each table. Pure: the same bytes give the same rows, everywhere and for ever."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from operator import itemgetter
from typing import Any
from uuid import UUID

import orjson

from core.ids import event_id
from payments_ledger.errors import BodyUnreadable, FieldInvalid, HashMismatch, KeyMismatch, PostingsUnbalanced
from payments_ledger.tables import EVENTS_BY_DAY, PAYMENT_EVENTS, PAYMENTS_BY_ID

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

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

# A row is a tuple of values in the order of its table's columns. Times are integers in Cassandra's milliseconds, so
# that a value read back compares equal; None marks a value to leave unset.
Row = tuple[Any, ...]

_record_of = itemgetter(*PAYMENT_EVENTS.columns)
_state_of = itemgetter(*PAYMENTS_BY_ID.columns)
_entry_of = itemgetter(*EVENTS_BY_DAY.columns)


@dataclass(frozen=True, slots=True)
class EventRows:
    """One event as every table stores it. `write_timestamp_us` is booked_at in microseconds since 1970, UTC."""

    payment_id: UUID
    seq: int
    order_id: UUID
    booking_day: date
    payment_type: str
    bucket: int
    event_type: str
    currency: str
    amount_minor: int
    body_sha256: bytes
    write_timestamp_us: int
    record: Row  # payment_events
    state: Row  # payments_by_id
    entry: Row  # events_by_day


def rows_of(
    body: bytes,
    *,
    body_sha256: bytes | None = None,
    payment_id: UUID | None = None,
    seq: int | None = None,
) -> EventRows:
    """The rows of the event with this canonical body.

    `body_sha256`, `payment_id` and `seq` are what the carrier of the body claims; each is checked when given.
    Raises a PoisonEvent that names what is wrong; trying the same bytes again cannot help.
    """
    digest = sha256(body).digest()
    if body_sha256 is not None and bytes(body_sha256) != digest:
        raise HashMismatch(f"the body's SHA-256 is {digest.hex()}, its carrier says {bytes(body_sha256).hex()}")
    fields = _checked(_parsed(body))
    _require_identity(fields, payment_id=payment_id, seq=seq)
    return _rows(fields, text=body.decode(), digest=digest)


def milliseconds(moment: datetime) -> int:
    """Whole milliseconds since 1970, the precision Cassandra keeps; what is finer is cut off, never rounded up."""
    return microseconds(moment) // 1000


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970, exactly: no float is involved."""
    return (moment - _EPOCH) // _MICROSECOND


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
    _require_balance(fields.get("postings"))
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


def _require_balance(postings: object) -> None:
    if not isinstance(postings, Mapping):
        raise FieldInvalid(f"postings must be an object of account to minor units, not {postings!r}")
    for account, amount in postings.items():
        if not account or type(amount) is not int or not INT64[0] <= amount <= INT64[1]:
            raise FieldInvalid(f"posting {account!r} must be an integer of minor units, not {amount!r}")
    total = sum(postings.values())
    if total != 0:
        raise PostingsUnbalanced(f"postings {dict(postings)!r} sum to {total}, not to zero")


def _require_identity(fields: dict[str, Any], *, payment_id: UUID | None, seq: int | None) -> None:
    if payment_id is not None and payment_id != fields["payment_id"]:
        raise KeyMismatch(f"the carrier says payment {payment_id}, the body {fields['payment_id']}")
    if seq is not None and seq != fields["seq"]:
        raise KeyMismatch(f"the carrier says sequence number {seq}, the body {fields['seq']}")
    expected = event_id(fields["payment_id"], fields["seq"])
    if fields["event_id"] != expected:
        raise KeyMismatch(f"event_id must be {expected} for this payment and sequence number")


def _rows(fields: dict[str, Any], *, text: str, digest: bytes) -> EventRows:
    booked_at_us = microseconds(fields["booked_at"])
    times = {name: milliseconds(fields[name]) for name in _TIMES}
    stored = {
        **fields,
        **times,
        "body": text,
        "body_sha256": digest,
        "status": fields["status_after"],
        "version": fields["seq"],
        "created_at": times["payment_created_at"],
        "updated_at": times["booked_at"],
    }
    return EventRows(
        payment_id=fields["payment_id"],
        seq=fields["seq"],
        order_id=fields["order_id"],
        booking_day=fields["booking_day"],
        payment_type=fields["payment_type"],
        bucket=fields["bucket"],
        event_type=fields["event_type"],
        currency=fields["currency"],
        amount_minor=fields["amount_minor"],
        body_sha256=digest,
        write_timestamp_us=booked_at_us,
        record=_record_of(stored),
        state=_state_of(stored),
        entry=_entry_of(stored),
    )
