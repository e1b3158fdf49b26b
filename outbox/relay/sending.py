"""Handing a page to the producer, message by message and in order."""

import threading
from collections.abc import Callable

from confluent_kafka import KafkaException

from outbox.relay.feed import Fetched
from outbox.relay.flight import Flight, Flights
from outbox.relay.parking import Parking
from outbox.relay.poll import Row
from outbox.relay.producer import REFUSALS, Publisher, error_of

FULL_QUEUE_SECONDS = 0.02


class StopRequested(Exception):
    """The relay was asked to stop while it waited for Kafka."""


class PageSender:
    """Sends pages without waiting for them; what becomes of a page is told to its Flight."""

    def __init__(
        self,
        publisher: Publisher,
        flights: Flights,
        parking: Parking,
        stop: threading.Event,
        *,
        between: Callable[[], None],
    ) -> None:
        self._publisher = publisher
        self._flights = flights
        self._parking = parking
        self._stop = stop
        self._between = between

    def send(self, fetched: Fetched) -> None:
        """Messages of parked keys are left out. Raises StopRequested when asked to stop before the page is sent."""
        flight = Flight(fetched.lanes, fetched.cursor, fetched.rows[-1].id)
        self._flights.add(flight)
        for row in fetched.rows:
            if row.key not in self._parking:
                flight.touched.add(row.lane)
                self._send(row, flight)
            if flight.error is not None:
                break

    def _send(self, row: Row, flight: Flight) -> None:
        flight.messages += 1
        while True:
            try:
                self._publisher.send(row, flight)
                return
            except BufferError:
                # The same message again and no other first, or the order would be lost.
                self._publisher.poll(FULL_QUEUE_SECONDS)
                self._between()
                if self._stop.is_set():
                    raise StopRequested from None
            except KafkaException as failure:
                error = error_of(failure)
                if error.code() in REFUSALS:
                    flight.messages -= 1
                    self._parking.park(row, error.name())
                else:
                    # The producer has stopped because an earlier message failed; landing sees this and starts over.
                    flight.error = error
                return
