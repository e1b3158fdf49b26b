"""Whoever receives a provider's webhooks: keeps what came and answers as it is told to."""

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, slots=True)
class Received:
    """One webhook as it arrived."""

    body: bytes
    signature: str
    status: int

    @property
    def content(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.body)
        return content

    @property
    def kind(self) -> str:
        """Such as "capture", or "" for a dispute."""
        return str(self.content["data"].get("kind", ""))


@dataclass
class WebhookReceiver:
    """An HTTP server on a port of its own. The first answers are `statuses`, every further one is 200."""

    statuses: list[int] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self, port: int = 0) -> "WebhookReceiver":
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(receiver.take(body, self.headers["Webhook-Signature"]))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    @property
    def port(self) -> int:
        return self._server.server_address[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/webhooks"

    def take(self, body: bytes, signature: str) -> int:
        with self._lock:
            status = self.statuses.pop(0) if self.statuses else 200
            self.received.append(Received(body=body, signature=signature, status=status))
            return status

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
