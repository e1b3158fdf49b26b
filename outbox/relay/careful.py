"""Sending one message at a time, to learn which one Kafka refuses: a refused batch fails all the messages in it."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

from confluent_kafka import KafkaError, KafkaException

from outbox.relay.cursor import Cursor
from outbox.relay.parking import Parking
from outbox.relay.poll import Row
from outbox.relay.producer import ONE_BY_ONE, REFUSALS, Publisher, error_of
from outbox.relay.sending import StopRequested

STEP_SECONDS = 0.05


class _Receipt:
    def __init__(self) -> None:
        self.is_settled = False
        self.error: KafkaError | None = None

    def __call__(self, error: KafkaError | None, message: Any) -> None:
        self.is_settled, self.error = True, error


class CarefulSender:
    """Sends the rows up to a given id one by one and parks the keys of those that are refused."""

    def __init__(self, parking: Parking, stop: threading.Event, *, between: Callable[[], None]) -> None:
        self._publisher = Publisher(ONE_BY_ONE)
        self._parking = parking
        self._stop = stop
        self._between = between
        self._until_id = 0

    def discard(self) -> None:
        self._publisher.discard()

    def cover(self, until_id: int) -> None:
        """Everything up to this id may be what was refused."""
        self._until_id = max(self._until_id, until_id)

    def covers(self, rows: Sequence[Row]) -> bool:
        return bool(rows) and rows[0].id <= self._until_id

    def send(self, rows: Sequence[Row]) -> int:
        """Returns how many were acknowledged; the others belong to parked keys. Raises KafkaException on trouble."""
        sent = 0
        for row in rows:
            if row.key in self._parking:
                continue
            error = self._deliver(row)
            if error is None:
                sent += 1
            else:
                self._parking.park(row, error.name())
        return sent

    def replay(self, key: str, cursor: Cursor) -> None:
        """Send a parked key's waiting messages up to the lane's cursor, then let it go; or park it again."""
        rows = self._parking.passed_rows(key, cursor)
        while rows:
            for row in rows:
                error = self._deliver(row)
                if error is not None:
                    self._parking.park_again(row, error.name())
                    return
            rows = self._parking.passed_rows(key, cursor, from_id=rows[-1].id + 1)
        self._parking.unpark(key)

    def _deliver(self, row: Row) -> KafkaError | None:
        """None when acknowledged, the error when Kafka refuses this very message."""
        receipt = _Receipt()
        try:
            self._publisher.send(row, receipt)
        except KafkaException as failure:
            receipt(error_of(failure), None)
        while not receipt.is_settled:
            self._publisher.poll(STEP_SECONDS)
            self._between()
            if self._publisher.stopped_by is not None and not receipt.is_settled:
                receipt(self._publisher.stopped_by, None)
            if self._stop.is_set() and not receipt.is_settled:
                raise StopRequested
        if receipt.error is not None and receipt.error.code() not in REFUSALS:
            raise KafkaException(receipt.error)
        return receipt.error
