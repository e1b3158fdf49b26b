"""Who reads what from Kafka: the map of the asynchronous flow."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Event

from core.payments.events import OPERATION, PAYMENT
from outbox.consuming import Message, Projection
from payments_ledger.sink import LedgerProjection


class OperationHints:
    """Wakes the gateway role: an operation is due. The row in PostgreSQL is what counts, its lease is the guard."""

    def __init__(self, wake: Event) -> None:
        self._wake = wake

    def project(self, batch: Sequence[Message]) -> None:
        self._wake.set()

    def record(self, batch: Sequence[Message]) -> None:
        """Nothing to store beside the offset."""


@dataclass(frozen=True, slots=True)
class Consumer:
    """A consumer group: the aggregate types it reads and what it does with a batch. `wake` is its role's doorbell."""

    aggregate_types: Sequence[str]
    projection: Callable[[Event], Projection]


CONSUMERS: dict[str, Consumer] = {
    "ledger": Consumer([PAYMENT], lambda wake: LedgerProjection()),
    "gateway": Consumer([OPERATION], OperationHints),
}
