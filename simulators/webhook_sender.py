"""Sends the provider's webhooks: signed, at least once and in no promised order, gently where they are refused."""

import http.client
import logging
import threading
import time
from urllib.parse import urlsplit

from simulators.card_tokens import Notifying
from simulators.webhook_events import WebhookEvent, signature
from simulators.webhook_queue import Delivery, WebhookQueue

logger = logging.getLogger(__name__)

THREADS = 4
TIMEOUT_SECONDS = 5.0
# After a refusal a thread rests, so that a receiver that refuses everything is asked at most 40 times a second.
REST_SECONDS = 0.1


class WebhookSender:
    """A few threads that empty the queue into one receiver. Anything but a 2xx answer is a refusal."""

    def __init__(self, *, queue: WebhookQueue, url: str, secret: str, stopping: threading.Event) -> None:
        self._queue = queue
        self._url = urlsplit(url)
        self._secret = secret
        self._stopping = stopping
        self._is_refused = False

    def start(self) -> None:
        for number in range(THREADS):
            threading.Thread(target=self._run, name=f"webhooks-{number}", daemon=True).start()

    def _run(self) -> None:
        while not self._stopping.is_set():
            delivery = self._queue.take()
            if delivery is not None:
                self._deliver(delivery)

    def _deliver(self, delivery: Delivery) -> None:
        times = 2 if delivery.event.notifying is Notifying.TWICE else 1
        trouble = next(filter(None, (self._send(delivery.event) for _ in range(times))), "")
        if not trouble:
            self._note(is_refused=False, reason="")
            self._queue.acknowledged(delivery)
            return
        self._note(is_refused=True, reason=trouble)
        if not self._queue.refused(delivery):
            logger.warning("gave up %s %s: %s", delivery.event.type, delivery.event.event_id, trouble)
        self._stopping.wait(REST_SECONDS)

    def _send(self, event: WebhookEvent) -> str:
        """Send it once; what went wrong, or "" when the receiver took it."""
        headers = {
            "Content-Type": "application/json",
            "Webhook-Signature": signature(body=event.body, secret=self._secret, at_seconds=int(time.time())),
        }
        make = http.client.HTTPSConnection if self._url.scheme == "https" else http.client.HTTPConnection
        connection = make(self._url.hostname or "", self._url.port, timeout=TIMEOUT_SECONDS)
        try:
            connection.request("POST", self._url.path or "/", body=event.body, headers=headers)
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            return f"{type(error).__name__}: {error}"
        finally:
            connection.close()
        return "" if 200 <= status < 300 else f"status {status}"

    def _note(self, *, is_refused: bool, reason: str) -> None:
        """Log when the receiver begins to refuse and when it takes again, not each time in between."""
        if is_refused and not self._is_refused:
            logger.warning("the receiver of webhooks refuses (%s); trying on", reason)
        elif self._is_refused and not is_refused:
            logger.info("the receiver of webhooks takes them again")
        self._is_refused = is_refused
