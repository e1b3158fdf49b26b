"""The relay's outer loop: one tenure after another, for as long as the process runs."""

import threading
import time

import psycopg2
import structlog
from confluent_kafka import KafkaException
from django.db import DEFAULT_DB_ALIAS

from outbox.backoff import Backoff
from outbox.relay.tenure import Tenure

# A tenure that lasted this long did not fail for the reason the one before it failed.
STEADY_SECONDS = 10.0

log = structlog.get_logger(__name__)


class Relay:
    """Publishes committed outbox messages until `stop` is set.

    At least once and, per aggregate, in order. It never gives up: without PostgreSQL or Kafka it waits and goes on
    from the stored cursor. Several relays, in any processes, share the lanes. run() returns within about 6 s of stop.
    """

    def __init__(self, stop: threading.Event, *, using: str = DEFAULT_DB_ALIAS) -> None:
        self._stop = stop
        self._using = using
        self.published = 0

    def run(self) -> None:
        backoff = Backoff(self._stop, seconds_max=2.0)
        while not self._stop.is_set():
            began_at = time.monotonic()
            try:
                with Tenure(self._stop, using=self._using, on_published=self._count) as tenure:
                    tenure.run()
            except psycopg2.Error as error:
                # Lanes and epochs are gone with the connection; the next tenure starts from what is stored.
                log.warning("relay_lost_postgresql", error=str(error).strip())
            except KafkaException as error:
                log.warning("relay_lost_kafka", error=str(error))
            except Exception:
                log.exception("relay_failed")
            if time.monotonic() - began_at > STEADY_SECONDS:
                backoff.reset()
            backoff.wait()

    def _count(self, messages: int) -> None:
        self.published += messages
