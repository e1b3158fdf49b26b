"""What an Idempotency-Key answered the first time: how it is found, locked and kept. No HTTP here.

Whoever works under a key locks it first and stores its answer in the same transaction: core.api.idempotency in
statements of their own, a service of few statements inside those. Both use the SQL below.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from core.errors import AppError


@dataclass(frozen=True, slots=True)
class Attempt:
    """A request under a key: whose, which key, and the SHA-256 over method, path and body."""

    user_id: UUID
    key: str
    fingerprint: bytes

    @property
    def scope(self) -> str:
        """What the key's advisory lock is taken on."""
        return f"{self.user_id}:{self.key}"


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """An answer as it is kept: rendered, so that a replay sends the same bytes."""

    status: int
    body: bytes
    location: str = ""
    is_replay: bool = False


class KeyInFlight(AppError):
    """The first request with this Idempotency-Key is still being worked on."""

    code, status, retryable, retry_after_seconds = "idempotency_key_in_flight", 409, True, 1


class KeyReused(AppError):
    """This Idempotency-Key was used for another request."""

    code, status = "idempotency_key_reused", 422


# Never waits: two requests with one key at the same time are one request and its impatient repetition.
TRY_LOCK = "pg_try_advisory_xact_lock(hashtextextended(%(scope)s, 0))"
FIND = """
    SELECT fingerprint, status, body, location FROM api_idempotencyrecord WHERE user_id = %(user_id)s AND key = %(key)s
"""
STORE = """
    INSERT INTO api_idempotencyrecord (user_id, key, fingerprint, status, body, location)
    VALUES (%(user_id)s, %(key)s, %(fingerprint)s, %(answer_status)s, %(answer_body)s, %(answer_location)s)
"""
ONCE_PER_USER = "idempotency_key_once_per_user"


def values_of(attempt: Attempt) -> dict[str, Any]:
    """The parameters of TRY_LOCK and FIND, and of STORE the attempt's part."""
    return {
        "scope": attempt.scope,
        "user_id": attempt.user_id,
        "key": attempt.key,
        "fingerprint": attempt.fingerprint,
    }


def answer_values(answer: StoredAnswer) -> dict[str, Any]:
    """STORE's other parameters."""
    return {"answer_status": answer.status, "answer_body": answer.body, "answer_location": answer.location}


def refuse_unless_locked(is_locked: bool) -> None:
    """Raises KeyInFlight."""
    if not is_locked:
        raise KeyInFlight("Wait for Retry-After seconds and send the same request again.")


def is_kept(refusal: AppError) -> bool:
    """Whether a refusal is an answer. Kept, a retryable one would be the answer to every retry it asks for."""
    return refusal.status < 500 and not refusal.retryable


def replay_of(attempt: Attempt, record: tuple[Any, ...]) -> StoredAnswer:
    """The answer in a row of FIND. Raises KeyReused when it was given to another request."""
    fingerprint, status, body, location = record
    if bytes(fingerprint) != attempt.fingerprint:
        raise KeyReused("This Idempotency-Key came with another method, path or body before: use a new key.")
    return StoredAnswer(status, bytes(body), location, is_replay=True)
