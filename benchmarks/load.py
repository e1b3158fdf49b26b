"""Sends checkouts through the client's process, and asks an empty endpoint for comparison."""

import json
import subprocess
from collections.abc import Sequence
from dataclasses import asdict
from urllib.parse import urlsplit

from benchmarks.client import Job, Outcome
from benchmarks.storefront import PreparedOrder
from deploy.local.layout import PROJECT_ROOT, PYTHON

PAID = '"payment_status":"paid"'
EMPTY_REQUESTS_MAX = 200_000
GRACE_SECONDS = 90


class Load:
    """Requests to one web server from so many connections."""

    def __init__(self, *, url: str, connections: int) -> None:
        address = urlsplit(url)
        self._host, self._port = str(address.hostname), int(address.port or 80)
        self._connections = connections

    def checkouts(self, orders: Sequence[PreparedOrder], *, seconds: float, rate: float = 0.0) -> Outcome:
        """Pay the orders one after the other for so long; with a rate, so many begin each second."""
        requests = [(str(order.id), self._checkout(order)) for order in orders]
        return self._run(Job(self._host, self._port, self._connections, seconds, requests, rate, PAID))

    def empty(self, *, seconds: float) -> Outcome:
        """Ask whether the process lives: what server, framework and this client can do without any work."""
        request = f"GET /livez HTTP/1.1\r\nHost: {self._host}\r\n\r\n"
        requests = [("livez", request)] * EMPTY_REQUESTS_MAX
        return self._run(Job(self._host, self._port, self._connections, seconds, requests))

    def _checkout(self, order: PreparedOrder) -> str:
        body = '{"method":"wallet"}'
        return (
            f"POST /api/v1/orders/{order.id}/checkout HTTP/1.1\r\nHost: {self._host}\r\n"
            f"Authorization: Bearer {order.token}\r\nIdempotency-Key: {order.key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        )

    def _run(self, job: Job) -> Outcome:
        done = subprocess.run(
            [str(PYTHON), "-m", "benchmarks.client"],
            cwd=PROJECT_ROOT,
            input=json.dumps(asdict(job)),
            capture_output=True,
            text=True,
            timeout=job.seconds + GRACE_SECONDS,
            check=True,
        )
        return Outcome(**json.loads(done.stdout))
