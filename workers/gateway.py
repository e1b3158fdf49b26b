"""The gateway role: submits operations that are due, many at once."""

from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from threading import Event

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

from core.orders.services import provider_work

# How long a due operation may wait when the hint from Kafka is lost.
POLL_SECONDS = 0.5
RETRY_SECONDS = 1.0

log = structlog.get_logger(__name__)


class GatewayLoop:
    """Keeps up to OPERATION_CONCURRENCY submissions in flight until `stop` is set, then waits for those it has."""

    def __init__(self, stop: Event, wake: Event) -> None:
        self._stop = stop
        self._wake = wake

    def run(self) -> None:
        slots = settings.OPERATION_CONCURRENCY
        flying: set[Future[None]] = set()
        with ThreadPoolExecutor(slots, thread_name_prefix="gateway") as pool:
            while not self._stop.is_set():
                self._wake.clear()
                started = self._start(pool, slots - len(flying))
                flying.update(started)
                if len(flying) >= slots:
                    flying = wait(flying, timeout=POLL_SECONDS, return_when=FIRST_COMPLETED).not_done
                elif not started:
                    self._wake.wait(POLL_SECONDS)
                flying = {future for future in flying if not future.done()}

    def _start(self, pool: ThreadPoolExecutor, limit: int) -> list[Future[None]]:
        try:
            return provider_work.start_submissions(pool=pool, limit=limit)
        except (OperationalError, InterfaceError) as error:
            log.warning("gateway.database_unavailable", error=str(error))
            connection.close()
            self._stop.wait(RETRY_SECONDS)
            return []
