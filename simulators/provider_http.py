"""The provider's paths over HTTP."""

import logging
import threading
from datetime import date
from http import HTTPStatus
from http.server import ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from simulators.answers import answer_of
from simulators.card_tokens import Answering
from simulators.json_handler import JsonHandler
from simulators.operation_log import OperationLog
from simulators.operation_request import parse_operation, parse_uuid
from simulators.outage import Outage
from simulators.provider import Provider
from simulators.provider_control import Control
from simulators.refusals import BadRequest, NoSuchPath, Refusal
from simulators.settlement import settlement_file
from simulators.webhook_events import event_of
from simulators.webhook_queue import WebhookQueue

logger = logging.getLogger(__name__)

CONTROL = "/v1/control/"
OPERATIONS = "/v1/operations"
# An outage is the API's: whoever watches, orders or proves something is still served.
SERVED_IN_OUTAGE = ("/healthz", "/v1/log", CONTROL)
# Less than any client waits for its answer.
EARLY_SECONDS_MAX = 1.0


class ProviderServer(ThreadingHTTPServer):
    """One thread per connection; threads end with the process. `webhooks` is None when nobody receives any."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(
        self,
        address: tuple[str, int],
        *,
        provider: Provider,
        log: OperationLog,
        webhooks: WebhookQueue | None,
        hold_seconds: float,
        stopping: threading.Event,
    ) -> None:
        super().__init__(address, ProviderHandler)
        self.provider = provider
        self.log = log
        self.webhooks = webhooks
        self.outage = Outage()
        self.control = Control(provider=provider, outage=self.outage)
        self.hold_seconds = hold_seconds
        self.stopping = stopping

    def server_bind(self) -> None:
        """Bind without HTTPServer's reverse look-up of the host's name, which may take seconds."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up while its answer was held is the point of the exercise, not an error."""
        logger.info("connection from %s ended", client_address, exc_info=logger.isEnabledFor(logging.DEBUG))


class ProviderHandler(JsonHandler):
    """Parses, asks the Provider, answers."""

    server: ProviderServer

    def do_POST(self) -> None:
        body = self.read_body()
        if body is None or self._is_out():
            return
        path = urlsplit(self.path).path
        try:
            if path == OPERATIONS:
                self._submit(body)
            elif path.startswith(CONTROL):
                self.answer(self.server.control.carry_out(path=path.removeprefix(CONTROL), body=body))
            else:
                raise NoSuchPath(path)
        except Refusal as refusal:
            self.refuse_with(refusal)

    def do_GET(self) -> None:
        if self._is_out():
            return
        url = urlsplit(self.path)
        try:
            if url.path == "/healthz":
                self.answer({"status": "ok", "operations": self.server.provider.known_count()})
            elif url.path == "/v1/log":
                self._answer_log(_parameter(url.query, "after", "0"))
            elif url.path == "/v1/settlement":
                self._answer_settlement(_parameter(url.query, "day", ""))
            elif url.path.startswith(f"{OPERATIONS}/"):
                self._answer_operation(url.path.removeprefix(f"{OPERATIONS}/"))
            else:
                raise NoSuchPath(url.path)
        except Refusal as refusal:
            self.refuse_with(refusal)

    def _is_out(self) -> bool:
        """Whether an outage has taken this request."""
        if self.path.startswith(SERVED_IN_OUTAGE) or not self.server.outage.is_on():
            return False
        self.close_connection = True
        if not self.server.outage.drops():
            self.refuse(HTTPStatus.SERVICE_UNAVAILABLE, "out_of_service", "try again later")
        return True

    def _submit(self, body: bytes) -> None:
        request = parse_operation(idempotency_key=self.headers.get("Idempotency-Key"), body=body)
        known = self.server.provider.submit(request=request)
        if known.answering is Answering.HELD:
            self.server.stopping.wait(self.server.hold_seconds)
        if known.answering is Answering.BROKEN:
            self.refuse(HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error", "something broke after the decision")
        elif known.record is None:
            self.refuse(HTTPStatus.GATEWAY_TIMEOUT, "not_processed", "the operation was not processed in time")
        else:
            if known.answering is Answering.AFTER_WEBHOOK and self.server.webhooks is not None:
                event = event_of(known.record)
                assert event is not None
                self.server.webhooks.wait_tried(event.event_id, seconds_max=EARLY_SECONDS_MAX)
            self.answer(answer_of(known.record))

    def _answer_operation(self, text: str) -> None:
        operation_id = parse_uuid("operation id", text)
        record = self.server.provider.find(operation_id=operation_id)
        if record is None:
            self.refuse(HTTPStatus.NOT_FOUND, "not_found", "no such operation", operation_id=str(operation_id))
        else:
            self.answer(answer_of(record))

    def _answer_log(self, after: str) -> None:
        if not after.isdecimal():
            raise BadRequest("after is not a whole number")
        self.answer({"records": self.server.log.after(number=int(after))})

    def _answer_settlement(self, text: str) -> None:
        try:
            day = date.fromisoformat(text)
        except ValueError:
            raise BadRequest("day is not a date like 2026-01-31") from None
        file = settlement_file(self.server.log.after(number=0), day=day)
        self.send(file.encode(), content_type="text/csv; charset=utf-8")


def _parameter(query: str, name: str, default: str) -> str:
    return parse_qs(query).get(name, [default])[-1]
