"""One tenure: a connection, the lanes held through it, and the pages between fetching and acknowledgement."""

import threading
import time
from collections.abc import Callable
from types import TracebackType
from uuid import uuid4

import psycopg2
import structlog

from outbox.lanes import lane_of
from outbox.relay.careful import CarefulSender
from outbox.relay.feed import Feed, Fetched
from outbox.relay.flight import Flights
from outbox.relay.ownership import Holdings
from outbox.relay.parking import Parking
from outbox.relay.producer import IN_ORDER, Publisher
from outbox.relay.saving import CursorSaver
from outbox.relay.sending import PageSender, StopRequested
from outbox.relay.session import Session
from outbox.relay.standby import StandbyGate

HEARTBEAT_SECONDS = 0.5
HOUSEKEEPING_SECONDS = 60.0
BUSY_SECONDS = 1.0
WAIT_BUSY_SECONDS = 0.02
WAIT_IDLE_SECONDS = 0.25
WAIT_FLYING_SECONDS = 0.005
TURN_SECONDS_MIN = 0.002
FLUSH_SECONDS_MAX = 5.0

log = structlog.get_logger(__name__)


class Tenure:
    """Everything here runs in one thread; delivery callbacks run inside Publisher.poll()."""

    def __init__(self, stop: threading.Event, *, using: str, on_published: Callable[[int], None]) -> None:
        self._stop = stop
        self._using = using
        self._on_published = on_published
        self._publisher = Publisher(IN_ORDER)
        self._flights = Flights()
        self._beat_at = self._kept_house_at = self._turned_at = self._published_at = float("-inf")
        self._is_surplus = False
        self._has_more = False

    def __enter__(self) -> "Tenure":
        instance_id = uuid4()
        self._session = Session(instance_id, using=self._using)
        self._holdings = Holdings(self._session, instance_id)
        self._saver = CursorSaver(self._session, self._holdings)
        self._parking = Parking(self._session)
        self._feed = Feed(self._session)
        self._gate = StandbyGate(self._session, self._stop)
        self._publisher.warm_up()
        self._sender = PageSender(self._publisher, self._flights, self._parking, self._stop, between=self._beat_if_due)
        self._careful = CarefulSender(self._parking, self._stop, between=self._beat_if_due)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # The session first: with it the locks go, and a successor need not wait.
        self._session.close()
        self._publisher.discard()
        self._careful.discard()

    def run(self) -> None:
        """Work until asked to stop. Raises psycopg2.Error or KafkaException when a new tenure is needed."""
        try:
            while not self._stop.is_set():
                self._beat_if_due()
                self._land()
                if self._is_surplus or self._parking.requested:
                    self._drained()
                else:
                    self._turn()
                self._saver.save_if_due()
                self._rest()
        except StopRequested:
            pass
        self._finish()

    def _beat_if_due(self) -> None:
        if time.monotonic() - self._beat_at < HEARTBEAT_SECONDS:
            return
        self._beat_at = time.monotonic()
        self._holdings.beat()
        taken = self._holdings.take_free()
        if taken:
            log.info("lanes_taken", taken=len(taken), held=len(self._holdings.lanes))
        self._is_surplus = self._holdings.surplus() > 0
        # After taking: whoever held the lane before has stored what he parked.
        self._parking.load(lanes=self._holdings.lanes.keys())
        self._keep_house_if_due()

    def _keep_house_if_due(self) -> None:
        if time.monotonic() - self._kept_house_at < HOUSEKEEPING_SECONDS:
            return
        self._kept_house_at = time.monotonic()
        self._holdings.forget_dead_relays()
        try:
            self._session.rows("SELECT outbox_ensure_partitions()")
        except psycopg2.errors.LockNotAvailable:
            log.info("partitions_not_made", reason="the table was locked; tried again in a minute")

    def _turn(self) -> None:
        is_early = time.monotonic() - self._turned_at < TURN_SECONDS_MIN and not self._has_more
        if is_early or not self._flights.have_room():
            return
        self._turned_at = time.monotonic()
        self._has_more = False
        for fetched in self._feed.turn(list(self._holdings.lanes.values())):
            if self._flights and self._careful.covers(fetched.rows):
                break
            if fetched.rows and not self._gate.passes(fetched.window, fetched.flushed_lsn, between=self._beat_if_due):
                break
            self._publish(fetched)
            # A window that is still open has more rows: no need to wait for a doorbell.
            self._has_more = self._has_more or fetched.cursor.window is not None
            if not self._flights.have_room():
                break

    def _publish(self, fetched: Fetched) -> None:
        if self._careful.covers(fetched.rows):
            self._on_published(self._careful.send(fetched.rows))
            for lane in fetched.lanes:
                lane.fetched = lane.acked = fetched.cursor
            self._saver.note(fetched.lanes)
            return
        if fetched.rows:
            self._published_at = time.monotonic()
            self._sender.send(fetched)
        for lane in fetched.lanes:
            lane.fetched = fetched.cursor

    def _land(self) -> None:
        """Move the cursors over the acknowledged pages; start over from there when something failed."""
        self._publisher.poll(0)
        for flight in self._flights.landed():
            self._on_published(flight.messages)
            for lane in flight.lanes:
                lane.acked = flight.cursor
            self._saver.note(lane for lane in flight.lanes if lane.number in flight.touched)
        error = self._flights.failure() or self._publisher.stopped_by
        if error is not None:
            log.warning("messages_failed", code=error.name(), error=error.str())
            self._careful.cover(self._flights.abandon())
            self._publisher.discard()
            for lane in self._holdings.lanes.values():
                lane.fetched = lane.acked
        elif not self._flights:
            # Nothing is on its way, so pages without messages are as good as acknowledged.
            for lane in self._holdings.lanes.values():
                lane.acked = lane.fetched

    def _drained(self) -> None:
        """Between windows, with nothing on its way: give back surplus lanes, send again what is to be unparked."""
        if self._flights:
            return
        if self._parking.requested:
            # A producer remembers which topics do not exist, and the remedy may have been to make one.
            self._publisher.discard()
            self._careful.discard()
        for key in self._parking.requested:
            lane = self._holdings.lanes.get(lane_of(key))
            if lane is not None:
                self._careful.replay(key, lane.acked)
        self._parking.requested.clear()
        surplus = self._holdings.surplus()
        if surplus:
            leaving = list(self._holdings.lanes.values())[:surplus]
            self._saver.save_all()
            self._holdings.release(lane for lane in leaving if lane.is_held)
            log.info("lanes_released", released=len(leaving), held=len(self._holdings.lanes))
        self._is_surplus = False

    def _rest(self) -> None:
        if self._flights:
            if not self._flights.have_room():
                self._publisher.poll(WAIT_BUSY_SECONDS)
            elif not self._has_more:
                self._publisher.poll(WAIT_FLYING_SECONDS)
        elif not self._has_more:
            self._stop.wait(max(0.0, self._turned_at + TURN_SECONDS_MIN - time.monotonic()))
            is_busy = time.monotonic() - self._published_at < BUSY_SECONDS
            self._session.wait_for_doorbell(WAIT_BUSY_SECONDS if is_busy else WAIT_IDLE_SECONDS)

    def _finish(self) -> None:
        """Flush for a few seconds, store the cursors and leave: whoever takes over starts exactly where this ends."""
        deadline = time.monotonic() + FLUSH_SECONDS_MAX
        while self._flights and time.monotonic() < deadline:
            self._publisher.poll(WAIT_BUSY_SECONDS)
            self._land()
        self._saver.save_all()
        self._holdings.leave()
