"""Sends one request to a merchant's endpoint, to an address that was checked and to no other.

Whoever manages endpoints chooses where we connect, so: the name is resolved here, every address must be public, the
connection is made to the checked address itself (a second look-up could answer otherwise), nothing redirects it, and
no proxy of the environment is used.
"""

import contextlib
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from core.webhooks.domain.addresses import is_public
from core.webhooks.domain.endpoint_urls import DEFAULT_PORTS, Target, UrlPolicy, UrlRefused, parse_url

ANSWER_BYTES_MAX = 1024
ADDRESSES_TRIED_MAX = 2


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of an attempt. `status` is None when there was no answer; then `error` says why.

    `body` is the beginning of the answer's, at most ANSWER_BYTES_MAX bytes.
    """

    status: int | None
    error: str
    body: bytes
    duration_ms: int

    @property
    def is_success(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


def addresses_of(host: str, port: int) -> list[str]:
    """Every address the host has now. Raises OSError. Takes as long as the system's resolver takes."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@cache
def _tls_context() -> ssl.SSLContext:
    return ssl.create_default_context()


class Sender:
    """POSTs bodies to URLs that the policy allows. Safe for threads; keeps no connection."""

    def __init__(
        self,
        *,
        policy: UrlPolicy,
        timeout_seconds: float,
        resolve: Callable[[str, int], Iterable[str]] = addresses_of,
        tls_context: Callable[[], ssl.SSLContext] = _tls_context,
    ) -> None:
        self._policy = policy
        self._timeout_seconds = timeout_seconds
        self._resolve = resolve
        self._tls_context = tls_context

    def post(self, url: str, *, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send and return what came of it; never raises because of the endpoint, its name or the network."""
        started = time.monotonic()
        status, error, content = None, "", b""
        try:
            target = parse_url(url, self._policy)
            status, content = self._exchange(target, self._checked_addresses(target), body, headers)
        except (UrlRefused, OSError, http.client.HTTPException, ValueError) as problem:
            error = f"{type(problem).__name__}: {problem}"[:500]
        return Answer(status, error, content, int((time.monotonic() - started) * 1000))

    def _checked_addresses(self, target: Target) -> list[str]:
        addresses = list(self._resolve(target.host, target.port))
        if not self._policy.allows_private:
            # One that is not public spoils all: a name with both kinds is an attempt to be let through by chance.
            private = [address for address in addresses if not is_public(address)]
            if private:
                raise UrlRefused(f"the host has the address {private[0]}, which is not on the public internet")
        if not addresses:
            raise UrlRefused("the host has no address")
        return addresses[:ADDRESSES_TRIED_MAX]

    def _exchange(
        self, target: Target, addresses: list[str], body: bytes, headers: Mapping[str, str]
    ) -> tuple[int, bytes]:
        context = self._tls_context() if target.scheme == "https" else None
        connection = _PinnedConnection(target, addresses, context, self._timeout_seconds)
        # http.client bounds each wait, not their sum: an endpoint could feed us a byte a second for hours.
        deadline = threading.Timer(self._timeout_seconds, connection.cut)
        deadline.daemon = True
        deadline.start()
        try:
            connection.request("POST", target.path, body=body, headers={**headers, "Connection": "close"})
            response = connection.getresponse()
            status, content = response.status, response.read(ANSWER_BYTES_MAX)
        except (OSError, http.client.HTTPException, ValueError):
            if not connection.is_cut:
                raise
        finally:
            deadline.cancel()
            connection.close()
        # Cut in the middle, half an answer reads like a whole one.
        if connection.is_cut:
            raise TimeoutError(f"no answer within {self._timeout_seconds:g} s")
        return status, content


class _PinnedConnection(http.client.HTTPConnection):
    """A connection to given addresses; the name is for the Host header and the certificate only."""

    def __init__(
        self, target: Target, addresses: list[str], context: ssl.SSLContext | None, timeout_seconds: float
    ) -> None:
        super().__init__(target.host, target.port, timeout=timeout_seconds)
        # Of this scheme, so that the Host header names the port only where the URL does.
        self.default_port = DEFAULT_PORTS[target.scheme]
        self._name = target.host
        self._addresses = addresses
        self._context = context
        self.is_cut = False

    def connect(self) -> None:
        """Connect to the first address that takes us, and prove the name by its certificate."""
        plain = self._connected()
        self.sock = plain
        if self._context is not None:
            # The handshake comes after, on a socket that `cut` can reach.
            wrapped = self._context.wrap_socket(plain, server_hostname=self._name, do_handshake_on_connect=False)
            self.sock = wrapped
            wrapped.do_handshake()

    def _connected(self) -> socket.socket:
        *others, last = self._addresses
        for address in others:
            with contextlib.suppress(OSError):
                return socket.create_connection((address, self.port), self.timeout)
        return socket.create_connection((last, self.port), self.timeout)

    def cut(self) -> None:
        """End whatever the connection waits for, from another thread."""
        self.is_cut = True
        if self.sock is not None:
            # It may have ended by itself meanwhile.
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self.sock, socket.SHUT_RDWR)
