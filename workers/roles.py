"""What each worker process does beside Celery's tasks: threads of a *worker* bootstep.

A worker bootstep (unlike a consumer bootstep) is started once and is left alone when Redis comes and goes.
"""

import os
import signal
from collections.abc import Callable
from threading import Event, Thread
from typing import Any

import structlog
from celery import bootsteps
from django.conf import settings

from core.db.standby import StandbyGuard
from outbox.consuming import ConsumerLoop
from outbox.relay import Relay
from workers.consumers.handlers import CONSUMERS
from workers.gateway import GatewayLoop

STOP_SECONDS_MAX = 10.0

log = structlog.get_logger(__name__)

Loop = Callable[[], None]


def _consumer(group: str, stop: Event, wake: Event) -> Loop:
    consumer = CONSUMERS[group]
    return ConsumerLoop(group, list(consumer.aggregate_types), consumer.projection(wake), stop).run


def _relay(stop: Event, wake: Event) -> list[Loop]:
    return [Relay(stop).run, StandbyGuard(stop).run]


def _ledger(stop: Event, wake: Event) -> list[Loop]:
    return [_consumer("ledger", stop, wake)]


def _gateway(stop: Event, wake: Event) -> list[Loop]:
    # The consumer of webhooks only writes rows. It is not in the role that sends them: tasks forks its children, and a
    # child that inherits a Kafka client hangs.
    return [_consumer("gateway", stop, wake), GatewayLoop(stop, wake).run, _consumer("webhooks", stop, Event())]


ROLES: dict[str, Callable[[Event, Event], list[Loop]]] = {
    "": lambda stop, wake: [],
    "tasks": lambda stop, wake: [],
    "relay": _relay,
    "ledger": _ledger,
    "gateway": _gateway,
}


class RoleStep(bootsteps.StartStopStep):
    """Starts the threads of WORKER_ROLE with the worker and stops them with it, within STOP_SECONDS_MAX."""

    requires = ("celery.worker.components:Pool",)

    def __init__(self, parent: Any, **kwargs: Any) -> None:
        super().__init__(parent, **kwargs)
        self._stop = Event()
        self._wake = Event()
        self._threads: list[Thread] = []

    def start(self, parent: Any) -> None:
        role = settings.WORKER_ROLE
        if role not in ROLES:
            known = ", ".join(name for name in ROLES if name)
            raise ValueError(f"WORKER_ROLE is {role!r}: use one of {known}, or leave it empty")
        for number, loop in enumerate(ROLES[role](self._stop, self._wake)):
            thread = Thread(target=self._guarded, args=(loop,), name=f"{role}-{number}", daemon=True)
            thread.start()
            self._threads.append(thread)
        log.info("role.started", role=role, threads=len(self._threads))

    def stop(self, parent: Any) -> None:
        self._stop.set()
        self._wake.set()
        for thread in self._threads:
            thread.join(STOP_SECONDS_MAX)
        log.info("role.stopped", unfinished=[thread.name for thread in self._threads if thread.is_alive()])

    terminate = stop

    def _guarded(self, loop: Loop) -> None:
        try:
            loop()
        except Exception:
            log.exception("role.failed")
        if not self._stop.is_set():
            # A worker that lives without its loop does nothing and looks well: end it, the supervisor starts another.
            os.kill(os.getpid(), signal.SIGTERM)
