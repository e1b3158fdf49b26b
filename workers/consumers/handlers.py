"""Who reads what from Kafka: the map of the asynchronous flow."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Event

from core.orders.events import ORDER
from core.payments.events import OPERATION, PAYMENT
from core.webhooks.services import outgoing
from core.webhooks.services.outgoing import PublishedEvent
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


class MerchantNotices:
    """Makes a delivery of each event for each endpoint that wants it, in the transaction of the offsets."""

    def project(self, batch: Sequence[Message]) -> None:
        """Nothing outside PostgreSQL: the tasks role sends."""

    def record(self, batch: Sequence[Message]) -> None:
        outgoing.enqueue(
            PublishedEvent(event_id=message.event_id, type=message.type, body=message.value)
            for message in batch
            if message.event_id is not None
        )


@dataclass(frozen=True, slots=True)
class Consumer:
    """A consumer group: the aggregate types it reads and what it does with a batch. `wake` is its role's doorbell."""

    aggregate_types: Sequence[str]
    projection: Callable[[Event], Projection]


CONSUMERS: dict[str, Consumer] = {
    "ledger": Consumer([PAYMENT], lambda wake: LedgerProjection()),
    "gateway": Consumer([OPERATION], OperationHints),
    "webhooks": Consumer([ORDER, PAYMENT], lambda wake: MerchantNotices()),
}
