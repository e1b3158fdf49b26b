"""The consumer's outer loop: join, consume, and after any trouble join again."""

import threading
import time
from collections.abc import Sequence

import structlog
from confluent_kafka import KafkaException
from django.db import DatabaseError, InterfaceError, connections

from outbox import broker
from outbox.backoff import Backoff
from outbox.broker import TopicIdentity
from outbox.consuming.dead_letters import DeadLetters
from outbox.consuming.delivery import Delivery
from outbox.consuming.offsets import OffsetStore
from outbox.consuming.projection import Projection
from outbox.consuming.subscription import Subscription
from outbox.errors import TopicReplaced
from outbox.topics import logical_name, physical_name

ADVICE_SECONDS = 1.0
REDRIVE_SECONDS = 1.0
IDENTITY_SECONDS = 30.0
REPLACED_SECONDS = 10.0

log = structlog.get_logger(__name__)


class ConsumerLoop:
    """Delivers the messages of some aggregate types to a projection until `stop` is set.

    At least once; per aggregate in order; a message that fails for good is parked with the later ones of its key.
    It never gives up: without PostgreSQL or Kafka it waits. Clients are made in the thread that calls run().
    """

    def __init__(
        self, group: str, aggregate_types: Sequence[str], projection: Projection, stop: threading.Event
    ) -> None:
        self._group = group
        self._topics = list(aggregate_types)
        self._projection = projection
        self._stop = stop
        self.delivered = 0

    def run(self) -> None:
        backoff = Backoff(self._stop, seconds_max=2.0)
        while not self._stop.is_set():
            try:
                self._consume(backoff)
            except TopicReplaced as error:
                log.error("topic_replaced", group=self._group, error=str(error))
                self._stop.wait(REPLACED_SECONDS)
            except (KafkaException, DatabaseError, InterfaceError) as error:
                log.warning("consumer_lost_a_server", group=self._group, error=str(error).strip())
            except Exception:
                log.exception("consumer_failed", group=self._group)
            finally:
                connections.close_all()
            backoff.wait()

    def _consume(self, backoff: Backoff) -> None:
        offsets = OffsetStore(self._group, self._identities())
        offsets.check()
        dead_letters = DeadLetters(self._group)
        with Subscription(self._group, self._topics, offsets) as subscription:
            delivery = Delivery(self._projection, offsets, dead_letters, subscription, self._stop)
            advised_at = redriven_at = float("-inf")
            identified_at = time.monotonic()
            while not self._stop.is_set() and not subscription.must_reopen:
                batch = subscription.fetch()
                if subscription.has_changed:
                    dead_letters.load()
                    subscription.has_changed = False
                if batch:
                    delivery.deliver(batch)
                    self.delivered += len(batch)
                    backoff.reset()
                moment = time.monotonic()
                if batch and moment - advised_at > ADVICE_SECONDS:
                    subscription.advise(batch)
                    advised_at = moment
                if moment - redriven_at > REDRIVE_SECONDS:
                    self._redrive(delivery, dead_letters, subscription)
                    redriven_at = moment
                if moment - identified_at > IDENTITY_SECONDS:
                    OffsetStore(self._group, self._identities()).check()
                    identified_at = moment

    def _identities(self) -> dict[str, TopicIdentity]:
        found = broker.identities(broker.admin(), [physical_name(topic) for topic in self._topics])
        return {logical_name(name): identity for name, identity in found.items()}

    def _redrive(self, delivery: Delivery, dead_letters: DeadLetters, subscription: Subscription) -> None:
        for key in dead_letters.requested():
            waiting = dead_letters.waiting(key)
            # Only the owner of the key's partition: anyone else would race with the key's next message.
            if not waiting or subscription.still_owned([message for _, message in waiting]):
                delivery.redrive(key)
