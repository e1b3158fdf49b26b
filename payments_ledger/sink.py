"""The ledger sink: every payment event it is given goes to every table, then recorded_seq moves forward.

No guard and no deletes: writing an event again changes nothing, so messages may come twice, late and in any order.
"""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from django.db import transaction

from core.payments.services import recording
from payments_ledger import gaps, writing
from payments_ledger.errors import KeyMismatch
from payments_ledger.rows import EventRows, rows_of


class PaymentMessage(Protocol):
    """What the sink reads of a Kafka message: key, payload and the sequence number in its header."""

    @property
    def key(self) -> str: ...
    @property
    def seq(self) -> int: ...
    @property
    def value(self) -> bytes: ...


class LedgerProjection:
    """Projects batches of payment events into Cassandra. Used by one consumer thread at a time."""

    def __init__(self) -> None:
        # Gap events that project() has written and record() has not committed. Lost with the process they are found
        # again, because the messages that revealed the gap are delivered again.
        self._refetched: set[gaps.Key] = set()

    def project(self, batch: Sequence[PaymentMessage]) -> None:
        """Write the batch, and what it shows to be missing, to every table. Outside any transaction; idempotent.

        Raises a PoisonEvent before anything is written when a message can never be recorded, LedgerUnavailable
        (retryable) when Cassandra did not acknowledge everything.
        """
        events = [_rows(message) for message in batch]
        found = gaps.refetched([(event.payment_id, event.seq) for event in events])
        writing.write([*found, *events])
        self._refetched.update((event.payment_id, event.seq) for event in found)

    def record(self, batch: Sequence[PaymentMessage]) -> None:
        """Advance recorded_seq over the batch, in the caller's transaction, which also stores the offsets."""
        pairs = {(UUID(message.key), message.seq) for message in batch} | self._refetched
        recording.advance(pairs=sorted(pairs))
        # Only after the commit: a payment whose messages have all been consumed would not reveal its gap again.
        transaction.on_commit(lambda: self._refetched.difference_update(pairs))


def _rows(message: PaymentMessage) -> EventRows:
    try:
        payment_id = UUID(message.key)
    except ValueError as error:
        raise KeyMismatch(f"the message key {message.key!r} is no payment id") from error
    return rows_of(bytes(message.value), payment_id=payment_id, seq=message.seq)
