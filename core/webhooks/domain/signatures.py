"""The signature of every webhook, in and out: HMAC-SHA256 over `<timestamp>.<raw body>`, with the time beside it.

    Webhook-Signature: t=1766325750,v1=<64 hexadecimal digits>[,v1=…]

There is one v1 for each secret the sender has active, so that a secret can be replaced without a moment at which
either side refuses the other. The body is the bytes that travelled: JSON that was read and written again has others.
"""

import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass

HEADER = "Webhook-Signature"
TOLERANCE_SECONDS = 300
SECRETS_MAX = 2
HEADER_CHARACTERS_MAX = 1024

_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_V1 = re.compile(r"[0-9a-f]{64}")


class SignatureRefused(Exception):
    """The signature does not prove that the body was sent by the other side just now; the message says why."""


@dataclass(frozen=True, slots=True)
class _Header:
    timestamp: str
    candidates: tuple[str, ...]


def sign(body: bytes, *, secrets: Sequence[str], timestamp: int) -> str:
    """The header's value: one signature for each secret, the first secret's first. `timestamp` in Unix seconds."""
    digests = [_digest(str(timestamp), body, secret) for secret in secrets]
    return ",".join([f"t={timestamp}", *(f"v1={digest}" for digest in digests)])


def verify(body: bytes, *, header: str, secrets: Sequence[str], now: int) -> None:
    """Return when one of the header's signatures was made with one of the secrets, within TOLERANCE_SECONDS of `now`.

    Raises SignatureRefused otherwise. Every candidate is compared with every secret's digest, each in constant time,
    so that how long it takes tells nothing about how near a guess was.
    """
    given = _parse(header)
    # Before the time is looked at: what the header says counts only when it is signed.
    expected = [_digest(given.timestamp, body, secret).encode() for secret in secrets if secret]
    equal = [hmac.compare_digest(digest, given_v1.encode()) for digest in expected for given_v1 in given.candidates]
    if not any(equal):
        raise SignatureRefused("no signature in the header was made from this body with a secret we know")
    if abs(now - int(given.timestamp)) > TOLERANCE_SECONDS:
        raise SignatureRefused(f"the signature's time is more than {TOLERANCE_SECONDS} s from ours")


def _digest(timestamp: str, body: bytes, secret: str) -> str:
    return hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()


def _parse(header: str) -> _Header:
    """The time and the v1 signatures; signatures of other versions are for other readers."""
    if not header:
        raise SignatureRefused(f"the header {HEADER} is missing")
    if len(header) > HEADER_CHARACTERS_MAX:
        raise SignatureRefused("the signature header is too long")
    pairs = [part.strip().partition("=") for part in header.split(",")]
    timestamps = [value for name, _, value in pairs if name == "t"]
    candidates = tuple(value for name, _, value in pairs if name == "v1" and _V1.fullmatch(value))
    if len(timestamps) != 1 or not _TIMESTAMP.fullmatch(timestamps[0]):
        raise SignatureRefused("the header has not exactly one time, t= with Unix seconds")
    if not candidates:
        raise SignatureRefused("the header has no v1= with 64 hexadecimal digits")
    return _Header(timestamps[0], candidates)
