"""A seal and its canonical bytes: what is hashed, and nothing else.

The bytes are UTF-8 JSON with sorted keys, no spaces, integers only, hashes and digests in lower-case hexadecimal and
times as UTC strings with microseconds (of which the last three digits are 0: Cassandra keeps milliseconds):

    {"blocks": [{"bucket", "digest", "event_count", "matched", "payment_type", "pg_digest", "sums"}, …],
     "booking_day", "prev_seal", "seal_no", "seal_version", "sealed_at", "tool_version"}

with the blocks in the order of payment type and bucket. The seal's hash is the SHA-256 of these bytes; `prev_seal` is
the hash of the seal with the number before, 32 zero bytes for number 1.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Any

from outbox.events import encode

# The form above. A day is sealed once, so this is also the seal_version of every row so far.
SEAL_VERSION = 1
TOOL_VERSION = "countinghouse-seal/1"
FIRST_PREV_SEAL = bytes(32)


@dataclass(frozen=True, slots=True)
class SealedBlock:
    """One block as it was closed. `sums` is in minor units by "<event_type>/<currency>".

    `digest` is that of events_by_day, `pg_digest` that of PostgreSQL: 16 bytes each, equal in every seal we make.
    """

    payment_type: str
    bucket: int
    event_count: int
    sums: Mapping[str, int]
    digest: bytes
    pg_digest: bytes

    @property
    def matched(self) -> bool:
        return self.digest == self.pg_digest

    def as_json(self) -> dict[str, Any]:
        return {
            "bucket": self.bucket,
            "digest": self.digest.hex(),
            "event_count": self.event_count,
            "matched": self.matched,
            "payment_type": self.payment_type,
            "pg_digest": self.pg_digest.hex(),
            "sums": dict(self.sums),
        }


@dataclass(frozen=True, slots=True)
class Seal:
    """One closed day. `sealed_at` has whole milliseconds; `blocks` are in the order of payment type and bucket."""

    seal_no: int
    booking_day: date
    prev_seal: bytes
    sealed_at: datetime
    blocks: tuple[SealedBlock, ...]
    seal_version: int = SEAL_VERSION
    tool_version: str = TOOL_VERSION

    def body(self) -> bytes:
        """The canonical bytes."""
        fields = {
            "blocks": [block.as_json() for block in self.blocks],
            "booking_day": self.booking_day.isoformat(),
            "prev_seal": self.prev_seal.hex(),
            "seal_no": self.seal_no,
            "seal_version": self.seal_version,
            "sealed_at": text_of(self.sealed_at),
            "tool_version": self.tool_version,
        }
        return encode(fields)

    def hash(self) -> bytes:
        return sha256(self.body()).digest()

    def line(self) -> bytes:
        """What the published file says of it, without the end of the line."""
        fields = {
            "booking_day": self.booking_day.isoformat(),
            "prev_seal": self.prev_seal.hex(),
            "seal_hash": self.hash().hex(),
            "seal_no": self.seal_no,
            "sealed_at": text_of(self.sealed_at),
        }
        return encode(fields)


def seal_of(body: bytes) -> Seal:
    """The seal with these canonical bytes. Raises ValueError when they are not canonical bytes of a seal."""
    try:
        fields = json.loads(body)
        seal = Seal(
            seal_no=fields["seal_no"],
            booking_day=date.fromisoformat(fields["booking_day"]),
            prev_seal=bytes.fromhex(fields["prev_seal"]),
            sealed_at=datetime.fromisoformat(fields["sealed_at"]),
            blocks=tuple(_block_of(block) for block in fields["blocks"]),
            seal_version=fields["seal_version"],
            tool_version=fields["tool_version"],
        )
        if seal.body() == body:
            return seal
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a seal: {error!r}") from error
    raise ValueError("not the canonical bytes of a seal")


def text_of(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _block_of(fields: Mapping[str, Any]) -> SealedBlock:
    return SealedBlock(
        payment_type=fields["payment_type"],
        bucket=fields["bucket"],
        event_count=fields["event_count"],
        sums=fields["sums"],
        digest=bytes.fromhex(fields["digest"]),
        pg_digest=bytes.fromhex(fields["pg_digest"]),
    )
