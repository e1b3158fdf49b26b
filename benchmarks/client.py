"""An HTTP client that costs little: keep-alive connections in one event loop, requests built beforehand.

Runs as a process of its own, `python -m benchmarks.client`: a job (JSON) on standard input, its outcome (JSON) on
standard output. It imports nothing of the application.

Closed loop: each connection sends its next request when the last one is answered. With a rate (requests a second) it is
open instead: requests begin at their times, whether earlier ones are answered or not, and wait for a free connection.
"""

import asyncio
import json
import sys
import time
from collections import Counter, deque
from dataclasses import asdict, dataclass, field
from typing import Any

CONNECT_SECONDS_MAX = 10.0
ANSWER_SECONDS_MAX = 60.0
OPENING_SECONDS = 0.01


@dataclass(slots=True)
class Job:
    """What to send: `requests` are (name, head and body) pairs; the last field ends the sending."""

    host: str
    port: int
    connections: int
    seconds: float
    requests: list[tuple[str, str]]
    rate: float = 0.0
    must_contain: str = ""


@dataclass(slots=True)
class Outcome:
    """What came back. `accepted` are names of requests answered 200 as wanted, with the epoch time of the answer."""

    seconds: float = 0.0
    accepted: list[tuple[str, float]] = field(default_factory=list)
    latencies_ms: list[float] = field(default_factory=list)
    others: dict[str, int] = field(default_factory=dict)
    ran_out: bool = False
    processor_seconds: float = 0.0


class Connection(asyncio.Protocol):
    """One keep-alive connection with at most one request on its way."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._expected = -1
        self.answer: asyncio.Future[tuple[int, bytes]] | None = None
        self.transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def ask(self, request: bytes) -> "asyncio.Future[tuple[int, bytes]]":
        self.answer = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return self.answer

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._expected < 0:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            head = bytes(self._buffer[:end]).lower()
            at = head.find(b"content-length:")
            line_end = head.find(b"\r\n", at)
            self._expected = end + 4 + int(head[at + 15 : line_end if line_end > 0 else None])
        if len(self._buffer) >= self._expected:
            raw, self._buffer, self._expected = bytes(self._buffer), bytearray(), -1
            if self.answer is not None and not self.answer.done():
                self.answer.set_result((int(raw[9:12]), raw))

    def connection_lost(self, error: Exception | None) -> None:
        if self.answer is not None and not self.answer.done():
            self.answer.set_exception(ConnectionResetError("the connection was closed"))


class Run:
    """One job being done."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.outcome = Outcome()
        self._others: Counter[str] = Counter()
        self._requests = deque((name, text.encode()) for name, text in job.requests)
        self._wanted = job.must_contain.encode()
        self._began = 0.0

    async def go(self) -> Outcome:
        loop = asyncio.get_running_loop()
        connections = []
        for _ in range(self.job.connections):
            opening = loop.create_connection(Connection, self.job.host, self.job.port)
            connections.append((await asyncio.wait_for(opening, CONNECT_SECONDS_MAX))[1])
            # All at once, they would be accepted by whichever web process is awake first, and stay with it.
            await asyncio.sleep(OPENING_SECONDS)
        self._began, processor_began = time.perf_counter(), time.process_time()
        await asyncio.gather(*(self._serve(connection) for connection in connections))
        self.outcome.seconds = time.perf_counter() - self._began
        self.outcome.processor_seconds = time.process_time() - processor_began
        self.outcome.others = dict(self._others)
        for connection in connections:
            connection.transport.close()
        return self.outcome

    async def _serve(self, connection: Connection) -> None:
        """Send one request after the other over this connection until the time is over."""
        sent = 0
        while time.perf_counter() - self._began < self.job.seconds:
            if not self._requests:
                self.outcome.ran_out = True
                return
            name, request = self._requests.popleft()
            started = await self._its_time()
            try:
                status, raw = await asyncio.wait_for(connection.ask(request), ANSWER_SECONDS_MAX)
            except (TimeoutError, OSError) as error:
                self._others[type(error).__name__] += 1
                return
            sent += 1
            self._note(name, status, raw, started)

    async def _its_time(self) -> float:
        """When the request that was just taken begins: now, or, at a rate, when its turn has come."""
        if not self.job.rate:
            return time.perf_counter()
        number = len(self.job.requests) - len(self._requests) - 1
        started = self._began + number / self.job.rate
        delay = started - time.perf_counter()
        if delay > 0:
            await asyncio.sleep(delay)
        return started

    def _note(self, name: str, status: int, raw: bytes, started: float) -> None:
        if status == 200 and self._wanted in raw:
            self.outcome.accepted.append((name, time.time()))
            self.outcome.latencies_ms.append((time.perf_counter() - started) * 1000)
        else:
            self._others[str(status)] += 1


def main() -> None:
    job = Job(**json.load(sys.stdin))
    json.dump(asdict(asyncio.run(Run(job).go())), sys.stdout)


if __name__ == "__main__":
    main()
