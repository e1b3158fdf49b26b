"""The HTTP adapter against servers that misbehave: every trouble is UNKNOWN, in time, and never an exception."""

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from uuid import uuid4

import pytest

from core.payments.gateways.http import HttpGateway
from core.payments.gateways.protocol import GatewayRequest, Outcome

TIMEOUT_SECONDS = 0.3


@contextmanager
def server(talk: Callable[[socket.socket], None]) -> Iterator[str]:
    """A TCP server that reads one request per connection and then does as `talk` says."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=converse, args=(connection,), daemon=True).start()

    def converse(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.recv(65536)
            talk(connection)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(5)


def drip(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(1000):
        connection.sendall(b" ")
        time.sleep(0.05)


TROUBLES: dict[str, Callable[[socket.socket], None]] = {
    "closes": lambda connection: None,
    "says nothing": lambda connection: time.sleep(1),
    "speaks no HTTP": lambda connection: connection.sendall(b"SSH-2.0-OpenSSH\r\n\r\n"),
    "stops midway": lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"),
    "never ends": lambda connection: connection.sendall(
        b"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n" + b" " * 200_000
    ),
    "drips": drip,
    "is no JSON": lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK"),
    "redirects": lambda connection: connection.sendall(
        b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"
    ),
    "is a stranger's 404": lambda connection: connection.sendall(
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\nnot found"
    ),
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_trouble_is_unknown_within_bounded_time(trouble: str) -> None:
    with server(TROUBLES[trouble]) as url:
        gateway = HttpGateway(name="simulator", url=url, timeout_seconds=TIMEOUT_SECONDS)
        gateway.query(uuid4())
        started = time.monotonic()

        submitted = gateway.submit(authorize())
        queried = gateway.query(uuid4())

    assert (submitted.outcome, queried.outcome) == (Outcome.UNKNOWN, Outcome.UNKNOWN)
    assert time.monotonic() - started < 4 * TIMEOUT_SECONDS + 3


def test_nobody_listening_is_unknown() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    gateway = HttpGateway(name="simulator", url=f"http://127.0.0.1:{port}", timeout_seconds=TIMEOUT_SECONDS)

    assert gateway.submit(authorize()).outcome is Outcome.UNKNOWN


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bytes] = []
    with server(lambda connection: asked.append(b"proxy")) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy)
        monkeypatch.setenv("ALL_PROXY", proxy)
        with server(lambda connection: asked.append(b"provider")) as url:
            HttpGateway(name="simulator", url=url, timeout_seconds=TIMEOUT_SECONDS).query(uuid4())

    assert asked == [b"provider"]


def test_forked_child_opens_a_connection_of_its_own() -> None:
    ports: list[int] = []

    def remember(connection: socket.socket) -> None:
        for _ in range(2):
            ports.append(connection.getpeername()[1])
            connection.sendall(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")
            connection.settimeout(1)
            if not connection.recv(65536):
                return

    with server(remember) as url:
        gateway = HttpGateway(name="simulator", url=url, timeout_seconds=TIMEOUT_SECONDS)
        gateway.query(uuid4())
        child = os.fork()
        if child == 0:
            gateway.query(uuid4())
            os._exit(0)
        os.waitpid(child, 0)

    assert len(ports) == 2
    assert ports[0] != ports[1]


def authorize() -> GatewayRequest:
    return GatewayRequest(
        operation_id=uuid4(), payment_id=uuid4(), kind="authorize", amount_minor=5, currency="GBP", token="tok_approve"
    )
