"""HTTP/1.1 with keep-alive and JSON: what the provider's paths are written on."""

import json
import logging
from collections.abc import Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any

from simulators.refusals import Refusal

logger = logging.getLogger(__name__)

BODY_BYTES_MAX = 64 * 1024


class JsonHandler(BaseHTTPRequestHandler):
    """Reads bounded bodies and answers JSON. An error answer is {"error": {"code", "detail"}}."""

    protocol_version = "HTTP/1.1"
    timeout = 75
    # Buffer the answer and send it in one piece without delay: otherwise keep-alive costs 40 ms a request.
    wbufsize = -1
    disable_nagle_algorithm = True

    def read_body(self) -> bytes | None:
        """The request's body; None when it was refused, after which the connection closes with the rest unread."""
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal():
            self.close_connection = True
            self.refuse(HTTPStatus.LENGTH_REQUIRED, "length_required", "send a Content-Length")
            return None
        if int(length) > BODY_BYTES_MAX:
            self.close_connection = True
            self.refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", f"at most {BODY_BYTES_MAX} bytes")
            return None
        return self.rfile.read(int(length))

    def answer(self, body: Mapping[str, Any], *, status: int = HTTPStatus.OK) -> None:
        self.send(json.dumps(body, separators=(",", ":")).encode(), content_type="application/json", status=status)

    def refuse(self, status: int, code: str, detail: str, **facts: str) -> None:
        self.answer({"error": {"code": code, "detail": detail, **facts}}, status=status)

    def refuse_with(self, refusal: Refusal) -> None:
        self.refuse(refusal.status, refusal.code, str(refusal))

    def send(self, content: bytes, *, content_type: str, status: int = HTTPStatus.OK) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(content)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:
        logger.debug(format, *args)
