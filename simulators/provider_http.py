"""The provider over HTTP/1.1, with keep-alive."""

import json
import logging
import threading
from collections.abc import Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from simulators.card_tokens import Answering
from simulators.operation_log import OperationLog, Record
from simulators.operation_request import BadRequest, parse_operation, parse_uuid
from simulators.provider import NothingPending, OperationConflict, Provider
from simulators.provider_control import NoSuchControl, control

logger = logging.getLogger(__name__)

BODY_BYTES_MAX = 64 * 1024
ANSWER_FIELDS = (
    "operation_id", "payment_id", "kind", "amount_minor", "currency", "status", "provider_ref", "decline_code",
)  # fmt: skip


class ProviderServer(ThreadingHTTPServer):
    """One thread per connection; threads end with the process."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(
        self,
        address: tuple[str, int],
        *,
        provider: Provider,
        log: OperationLog,
        hold_seconds: float,
        stopping: threading.Event,
    ) -> None:
        super().__init__(address, ProviderHandler)
        self.provider = provider
        self.log = log
        self.hold_seconds = hold_seconds
        self.stopping = stopping

    def server_bind(self) -> None:
        """Bind without HTTPServer's reverse look-up of the host's name, which may take seconds."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up while its answer was held is the point of the exercise, not an error."""
        logger.info("connection from %s ended", client_address, exc_info=logger.isEnabledFor(logging.DEBUG))


class ProviderHandler(BaseHTTPRequestHandler):
    """Parses, asks the Provider, answers JSON. An error answer is {"error": {"code", "detail"}}."""

    server: ProviderServer
    protocol_version = "HTTP/1.1"
    timeout = 75
    # Buffer the answer and send it in one piece without delay: otherwise keep-alive costs 40 ms a request.
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        body = self._read_body()
        if body is None:
            return
        path = urlsplit(self.path).path
        try:
            if path == "/v1/operations":
                self._submit(body)
            elif path.startswith("/v1/control/"):
                name = path.removeprefix("/v1/control/")
                self._answer(HTTPStatus.OK, control(provider=self.server.provider, path=name, body=body))
            else:
                self._refuse(HTTPStatus.NOT_FOUND, "no_such_path", self.path)
        except BadRequest as error:
            self._refuse(HTTPStatus.BAD_REQUEST, "invalid_request", str(error))
        except NoSuchControl:
            self._refuse(HTTPStatus.NOT_FOUND, "no_such_path", self.path)
        except NothingPending as error:
            self._refuse(HTTPStatus.CONFLICT, "nothing_pending", f"payment {error} waits for nobody")
        except OperationConflict as error:
            detail = f"operation {error} was used with another body"
            self._refuse(HTTPStatus.UNPROCESSABLE_ENTITY, "idempotency_conflict", detail)

    def _submit(self, body: bytes) -> None:
        request = parse_operation(idempotency_key=self.headers.get("Idempotency-Key"), body=body)
        answer = self.server.provider.submit(request=request)
        if answer.answering is Answering.HELD:
            self.server.stopping.wait(self.server.hold_seconds)
        if answer.answering is Answering.BROKEN:
            self._refuse(HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error", "something broke after the decision")
        elif answer.record is None:
            self._refuse(HTTPStatus.GATEWAY_TIMEOUT, "not_processed", "the operation was not processed in time")
        else:
            self._answer(HTTPStatus.OK, _public(answer.record))

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if url.path == "/healthz":
            self._answer(HTTPStatus.OK, {"status": "ok", "operations": self.server.provider.known_count()})
        elif url.path == "/v1/log":
            self._answer_log(url.query)
        elif url.path.startswith("/v1/operations/"):
            self._answer_operation(url.path.removeprefix("/v1/operations/"))
        else:
            self._refuse(HTTPStatus.NOT_FOUND, "no_such_path", self.path)

    def _answer_operation(self, text: str) -> None:
        try:
            operation_id = parse_uuid("operation id", text)
        except BadRequest as error:
            self._refuse(HTTPStatus.BAD_REQUEST, "invalid_request", str(error))
            return
        record = self.server.provider.find(operation_id=operation_id)
        if record is None:
            self._refuse(HTTPStatus.NOT_FOUND, "not_found", "no such operation", operation_id=str(operation_id))
        else:
            self._answer(HTTPStatus.OK, _public(record))

    def _answer_log(self, query: str) -> None:
        after = parse_qs(query).get("after", ["0"])[-1]
        if not after.isdecimal():
            self._refuse(HTTPStatus.BAD_REQUEST, "invalid_request", "after is not a whole number")
            return
        records = self.server.log.after(number=int(after))
        self._answer(HTTPStatus.OK, {"records": records})

    def _read_body(self) -> bytes | None:
        """The request's body; None when it was refused, after which the connection closes with the rest unread."""
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal():
            self.close_connection = True
            self._refuse(HTTPStatus.LENGTH_REQUIRED, "length_required", "send a Content-Length")
            return None
        if int(length) > BODY_BYTES_MAX:
            self.close_connection = True
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", f"at most {BODY_BYTES_MAX} bytes")
            return None
        return self.rfile.read(int(length))

    def _refuse(self, status: HTTPStatus, code: str, detail: str, **facts: str) -> None:
        self._answer(status, {"error": {"code": code, "detail": detail, **facts}})

    def _answer(self, status: HTTPStatus, body: Mapping[str, Any]) -> None:
        content = json.dumps(body, separators=(",", ":")).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:
        logger.debug(format, *args)


def _public(record: Record) -> Record:
    return {field: record[field] for field in ANSWER_FIELDS}
