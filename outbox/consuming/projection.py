"""What a consumer does with its messages, and which of its failures are worth another try."""

from collections.abc import Sequence
from typing import Protocol

import django.db
import psycopg2

from outbox.consuming.message import Message

# A missing table or privilege is the state of the database and not of the message, so it is waited for.
_TROUBLE_WITH_A_SERVER = (
    django.db.OperationalError,
    django.db.InterfaceError,
    django.db.ProgrammingError,
    psycopg2.OperationalError,
    psycopg2.InterfaceError,
    psycopg2.ProgrammingError,
    ConnectionError,
    TimeoutError,
)


class Projection(Protocol):
    def project(self, batch: Sequence[Message]) -> None:
        """Effects outside PostgreSQL. Runs outside any transaction and must be idempotent: a batch comes again."""

    def record(self, batch: Sequence[Message]) -> None:
        """Effects in PostgreSQL. Runs inside the transaction that also stores the offsets of the batch."""


def is_retryable(error: BaseException) -> bool:
    """Whether the same batch may succeed later: the error says so itself, or a server could not be reached."""
    says = getattr(error, "retryable", None)
    return says if isinstance(says, bool) else isinstance(error, _TROUBLE_WITH_A_SERVER)
