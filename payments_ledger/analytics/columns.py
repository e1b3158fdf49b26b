"""Rows of bytes → Arrow columns, a page at a time, without an object for each cell. Pure.

Cassandra's bytes are big-endian and of fixed width for everything but names and postings, so a column of a page is one
join of its cells, turned around once for a whole row group.
"""

import sys
from array import array
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa

from payments_ledger.analytics.blocks import BlockSummary
from payments_ledger.analytics.errors import BlockDamaged
from payments_ledger.analytics.pages import ROW_COLUMNS, Cells
from payments_ledger.reconciliation.digests import MODULUS
from payments_ledger.reconciliation.scope import Block

_TIME = pa.timestamp("ms", tz="UTC")
_NAME = pa.dictionary(pa.int32(), pa.string())
_ID = pa.uuid()
_HASH = pa.binary(32)

# booking_day is the folder's name. Amounts are minor units of `currency`; postings map an account to its signed part.
SCHEMA = pa.schema(
    [
        pa.field("payment_type", _NAME, nullable=False),
        pa.field("bucket", pa.int16(), nullable=False),
        pa.field("booked_at", _TIME, nullable=False),
        pa.field("payment_id", _ID, nullable=False),
        pa.field("seq", pa.int32(), nullable=False),
        pa.field("order_id", _ID, nullable=False),
        pa.field("user_id", _ID, nullable=False),
        pa.field("event_type", _NAME, nullable=False),
        pa.field("amount_minor", pa.int64(), nullable=False),
        pa.field("currency", _NAME, nullable=False),
        pa.field("status_after", _NAME, nullable=False),
        pa.field("provider", _NAME, nullable=False),
        pa.field("region", _NAME, nullable=False),
        pa.field("occurred_at", _TIME, nullable=False),
        pa.field("postings", pa.map_(pa.string(), pa.int64()), nullable=False),
        pa.field("body_sha256", _HASH, nullable=False),
    ]
)

# Column → the typecode of its numbers, or the width of its bytes.
_NUMBERS = {"booked_at": "q", "seq": "i", "amount_minor": "q", "occurred_at": "q"}
_WIDTHS = {"payment_id": 16, "order_id": 16, "user_id": 16, "body_sha256": 32}
_NAMES = ("event_type", "currency", "status_after", "provider", "region")
_BYTES_OF = {**{name: array(code).itemsize for name, code in _NUMBERS.items()}, **_WIDTHS}
assert {*_BYTES_OF, *_NAMES, "postings"} == set(ROW_COLUMNS)


class Names(dict[bytes, int]):
    """Each different text once, numbered in the order of appearance."""

    def __missing__(self, name: bytes) -> int:
        number = self[name] = len(self)
        return number

    def texts(self) -> pa.Array:
        return pa.array([name.decode() for name in self], pa.string())


class RowGroup:
    """Rows gathered until there are enough to write. One object a file: what names mean stays for the next group."""

    def __init__(self) -> None:
        self._names = {name: Names() for name in (*_NAMES, "payment_type", "account")}
        self._begin()

    def _begin(self) -> None:
        self.count = 0
        self._cells = {name: bytearray() for name in _BYTES_OF}
        self._numbers = {name: array("i") for name in (*_NAMES, "payment_type", "account")}
        self._buckets = array("h")
        self._amounts = bytearray()
        self._offsets = array("i", [0])

    def append(self, block: Block, rows: Sequence[Cells], summary: BlockSummary) -> None:
        """Add a page of a block's rows, and to the block's summary. Raises BlockDamaged when a cell is missing."""
        count = len(rows)
        columns = dict(zip(ROW_COLUMNS, zip(*rows, strict=True), strict=True))
        for name, cells in columns.items():
            if None in cells:
                raise BlockDamaged(block, f"a row has no {name}")
        for name, width in _BYTES_OF.items():
            if set(map(len, columns[name])) != {width}:
                raise BlockDamaged(block, f"a row's {name} is not {width} bytes long")
            self._cells[name] += b"".join(columns[name])
        for name in _NAMES:
            self._numbers[name].extend(map(self._names[name].__getitem__, columns[name]))
        self._append_postings(columns["postings"])
        self._numbers["payment_type"].extend([self._names["payment_type"][block.payment_type.encode()]] * count)
        self._buckets.extend([block.bucket] * count)
        self.count += count
        summary.count += count
        summary.digest = (summary.digest + presence_of_all(columns["body_sha256"])) % MODULUS
        amounts = _numbers_of(b"".join(columns["amount_minor"]), _NUMBERS["amount_minor"])
        sums: defaultdict[tuple[bytes, bytes], int] = defaultdict(int)
        for event_type, currency, amount in zip(columns["event_type"], columns["currency"], amounts, strict=True):
            sums[event_type, currency] += amount
        for (event_type, currency), amount in sums.items():
            summary.add_amount(event_type.decode(), currency.decode(), amount)

    def _append_postings(self, cells: Iterable[bytes]) -> None:
        # A map is its size, then key and value each behind its length: 4 bytes, big-endian.
        accounts, numbers, offsets = self._names["account"], self._numbers["account"], self._offsets
        for cell in cells:
            at = 4
            for _ in range(int.from_bytes(cell[:4], "big")):
                end = at + 4 + int.from_bytes(cell[at : at + 4], "big")
                numbers.append(accounts[cell[at + 4 : end]])
                self._amounts += cell[end + 4 : end + 12]
                at = end + 12
            offsets.append(len(numbers))

    def take(self) -> pa.Table:
        """The rows gathered so far as a table of SCHEMA; the next group begins empty."""
        made: dict[str, Any] = {}
        for name, code in _NUMBERS.items():
            made[name] = _array(SCHEMA.field(name).type, _numbers_of(self._cells[name], code), self.count)
        for name, width in _WIDTHS.items():
            made[name] = _array(pa.binary(width), self._cells[name], self.count)
        for name in ("payment_id", "order_id", "user_id"):
            made[name] = pa.ExtensionArray.from_storage(_ID, made[name])
        for name in (*_NAMES, "payment_type"):
            indices = _array(pa.int32(), self._numbers[name], self.count)
            made[name] = pa.DictionaryArray.from_arrays(indices, self._names[name].texts())
        made["bucket"] = _array(pa.int16(), self._buckets, self.count)
        made["postings"] = self._postings()
        table = pa.Table.from_arrays([made[name] for name in SCHEMA.names], schema=SCHEMA)
        self._begin()
        return table

    def _postings(self) -> pa.Array:
        posted = len(self._numbers["account"])
        accounts = pa.DictionaryArray.from_arrays(
            _array(pa.int32(), self._numbers["account"], posted), self._names["account"].texts()
        ).dictionary_decode()
        amounts = _array(pa.int64(), _numbers_of(self._amounts, "q"), posted)
        return pa.MapArray.from_arrays(_array(pa.int32(), self._offsets, self.count + 1), accounts, amounts)


def presence_of_all(hashes: Sequence[bytes]) -> int:
    """The sum of the hashes' first 16 bytes: what digests.presence_of adds up to, for many at once."""
    words = _numbers_of(b"".join(hashes), "Q")
    return (sum(words[0::4]) << 64) + sum(words[1::4])


def _numbers_of(cells: bytes | bytearray, code: str) -> "array[int]":
    numbers = array(code)
    numbers.frombytes(cells)
    if sys.byteorder == "little":
        numbers.byteswap()
    return numbers


def _array(kind: pa.DataType, values: Any, count: int) -> pa.Array:
    return pa.Array.from_buffers(kind, count, [None, pa.py_buffer(values)])
