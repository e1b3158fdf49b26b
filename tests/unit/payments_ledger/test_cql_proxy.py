"""The relay in front of Cassandra reads levels where protocol 5 has them; a wrong place would blind the tests on it."""

import pytest

from tests.fakes.cql_proxy import BATCH, EXECUTE, QUERY, STARTUP, _Reader

VALUE, UNSET = b"\x00\x00\x00\x02ab", b"\xff\xff\xff\xfe"
ID = b"\x00\x04abcd"


def message(opcode, body=b""):
    return bytes([5, 0, 0, 1, opcode]) + len(body).to_bytes(4, "big") + body


def segment(payload):
    return len(payload).to_bytes(3, "little") + b"crc" + payload + b"crc4"


def bodies(level):
    two = level.to_bytes(2, "big")
    batched = b"\x01" + ID + b"\x00\x02" + VALUE + UNSET
    by_text = b"\x00" + b"\x00\x00\x00\x01x" + b"\x00\x00"
    return [
        (QUERY, b"\x00\x00\x00\x08SELECT 1" + two + b"\x00\x00\x00\x00"),
        (EXECUTE, ID + ID + two + b"\x00\x00\x00\x01\x00\x01" + VALUE),
        (BATCH, b"\x01\x00\x03" + batched + by_text + batched + two + b"\x00\x00\x00\x00"),
    ]


@pytest.mark.parametrize(("level", "name"), [(6, "LOCAL_QUORUM"), (10, "LOCAL_ONE"), (1, "ONE"), (99, "99")])
def test_the_level_is_read_of_every_kind_of_request(level, name):
    reader = _Reader(7)
    stream = message(STARTUP) + segment(b"".join(message(opcode, body) for opcode, body in bodies(level)))

    found = reader.requests_in(stream)

    assert [(request.kind, request.level) for request in found] == [
        ("QUERY", name),
        ("EXECUTE", name),
        ("BATCH", name),
    ]
    assert {request.connection for request in found} == {7}


def test_requests_are_found_wherever_the_bytes_are_cut():
    payload = b"".join(message(opcode, body) for opcode, body in bodies(6))
    stream = message(STARTUP) + segment(payload[:20]) + segment(payload[20:])
    reader = _Reader(1)

    found = [request for byte in stream for request in reader.requests_in(bytes([byte]))]

    assert [request.kind for request in found] == ["QUERY", "EXECUTE", "BATCH"]
