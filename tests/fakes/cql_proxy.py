"""A TCP relay in front of Cassandra: reads the clients' requests as they pass, and can be cut, mended and stalled."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass

STARTUP, QUERY, EXECUTE, BATCH = 0x01, 0x07, 0x0A, 0x0D
NAMES = {QUERY: "QUERY", EXECUTE: "EXECUTE", BATCH: "BATCH"}
LEVELS = {1: "ONE", 4: "QUORUM", 6: "LOCAL_QUORUM", 10: "LOCAL_ONE"}
HEADER_BYTES = 9


@dataclass(frozen=True)
class Request:
    """One statement a client sent: over which connection, how, at which level, and its bytes."""

    connection: int
    kind: str
    level: str
    body: bytes


class Proxy:
    """Listens on `port` from mend() to cut(). Keeps every QUERY, EXECUTE and BATCH in `requests`."""

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._open: list[socket.socket] = []
        self._listener: socket.socket | None = None
        self._flowing = threading.Event()
        self._flowing.set()
        self._connections = 0
        self.requests: list[Request] = []
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]

    def mend(self) -> None:
        self._flowing.set()
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def cut(self) -> None:
        """Close what is open and listen no more; harmless when it is cut already."""
        self._flowing.set()
        if self._listener is not None:
            # shutdown wakes the thread that waits in accept; close alone would leave the port listening.
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        for end in self._open:
            end.close()
        self._open.clear()

    def stall(self) -> None:
        """Answer nothing from now on and keep every connection open, as a stopped process does."""
        self._flowing.clear()

    def flow(self) -> None:
        self._flowing.set()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
                far = socket.create_connection(self._target)
            except OSError:
                return
            self._open += [near, far]
            self._connections += 1
            reader = _Reader(self._connections)
            threading.Thread(target=self._relay, args=(near, far, reader), daemon=True).start()
            threading.Thread(target=self._relay, args=(far, near, None), daemon=True).start()

    def _relay(self, source: socket.socket, sink: socket.socket, reader: "_Reader | None") -> None:
        try:
            while data := source.recv(65536):
                if reader is not None:
                    self.requests += reader.requests_in(data)
                else:
                    # Held back on the way to the client: what was sent has arrived, and nobody says so.
                    self._flowing.wait()
                sink.sendall(data)
        except OSError:
            pass
        finally:
            for end in (source, sink):
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)


class _Reader:
    """Takes one connection's bytes apart: protocol 5 puts messages into segments from STARTUP's answer on."""

    def __init__(self, connection: int) -> None:
        self._connection = connection
        self._raw = b""
        self._messages = b""
        self._is_segmented = False

    def requests_in(self, data: bytes) -> list[Request]:
        self._raw += data
        return [
            Request(self._connection, NAMES[opcode], LEVELS.get(level := level_of(opcode, body), str(level)), body)
            for opcode, body in self._read()
            if opcode in NAMES
        ]

    def _read(self) -> Iterator[tuple[int, bytes]]:
        while True:
            if self._is_segmented:
                # Three bytes of length and flags, three of their checksum; four of the payload's checksum behind it.
                length = int.from_bytes(self._raw[:3], "little") & 0x1FFFF
                if len(self._raw) < 6 + length + 4:
                    break
                self._messages += self._raw[6 : 6 + length]
                self._raw = self._raw[6 + length + 4 :]
            else:
                self._messages, self._raw = self._messages + self._raw, b""
            yield from self._whole_messages()
            if not self._raw:
                break

    def _whole_messages(self) -> Iterator[tuple[int, bytes]]:
        while len(self._messages) >= HEADER_BYTES:
            end = HEADER_BYTES + int.from_bytes(self._messages[5:9], "big")
            if len(self._messages) < end:
                return
            opcode, body = self._messages[4], self._messages[HEADER_BYTES:end]
            self._messages = self._messages[end:]
            yield opcode, body
            if opcode == STARTUP:
                self._is_segmented = True
                self._raw, self._messages = self._messages + self._raw, b""


def level_of(opcode: int, body: bytes) -> int:
    """The consistency level in the body of a request of protocol 5."""
    if opcode == QUERY:
        place = 4 + int.from_bytes(body[:4], "big")
    elif opcode == EXECUTE:
        # The ids of the statement and of its result's columns.
        place = _after_short(body, _after_short(body, 0))
    else:
        place = _after_batched_statements(body)
    return int.from_bytes(body[place : place + 2], "big")


def _after_short(body: bytes, place: int) -> int:
    return place + 2 + int.from_bytes(body[place : place + 2], "big")


def _after_batched_statements(body: bytes) -> int:
    statements, place = int.from_bytes(body[1:3], "big"), 3
    for _ in range(statements):
        is_prepared, place = body[place] == 1, place + 1
        if is_prepared:
            place = _after_short(body, place)
        else:
            place += 4 + int.from_bytes(body[place : place + 4], "big")
        values, place = int.from_bytes(body[place : place + 2], "big"), place + 2
        for _ in range(values):
            # A negative length is NULL or "unset" and has no bytes.
            length = int.from_bytes(body[place : place + 4], "big", signed=True)
            place += 4 + max(length, 0)
    return place
