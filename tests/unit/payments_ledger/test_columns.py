"""Bytes of a page → columns: every value as the driver would have read it, and refusals that name the block."""

import struct
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from uuid import UUID, uuid4

import pytest

from payments_ledger.analytics.blocks import BlockSummary
from payments_ledger.analytics.columns import SCHEMA, RowGroup, presence_of_all
from payments_ledger.analytics.errors import BlockDamaged
from payments_ledger.analytics.pages import ROW_COLUMNS
from payments_ledger.reconciliation.digests import presence_of
from payments_ledger.reconciliation.scope import Block

BLOCK = Block(date(2026, 3, 1), "wallet", 3)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def map_bytes(postings):
    parts = [struct.pack(">i", len(postings))]
    for account, amount in postings.items():
        name = account.encode()
        parts += [struct.pack(">i", len(name)), name, struct.pack(">iq", 8, amount)]
    return b"".join(parts)


def values(**changes):
    return {
        "booked_at": EPOCH + timedelta(days=20_000, milliseconds=123),
        "payment_id": uuid4(),
        "seq": 2,
        "order_id": uuid4(),
        "user_id": uuid4(),
        "event_type": "payments.payment.captured.v1",
        "amount_minor": -1250,
        "currency": "GBP",
        "status_after": "captured",
        "provider": "",
        "region": "Réunion",
        "occurred_at": EPOCH - timedelta(milliseconds=1),
        "postings": {"wallet_liability": -1250, "revenue": 1250},
        "body_sha256": sha256(uuid4().bytes).digest(),
        **changes,
    }


def cells(row):
    def as_bytes(name, value):
        if isinstance(value, UUID):
            return value.bytes
        if isinstance(value, datetime):
            return struct.pack(">q", (value - EPOCH) // timedelta(milliseconds=1))
        if isinstance(value, dict):
            return map_bytes(value)
        if isinstance(value, int):
            return struct.pack(">i" if name == "seq" else ">q", value)
        return value.encode() if isinstance(value, str) else value

    return tuple(as_bytes(name, row[name]) for name in ROW_COLUMNS)


def test_every_value_arrives_whatever_the_rows_are():
    rows = [
        values(),
        values(postings={}, currency="BRL", amount_minor=2**62),
        values(postings={"a": 1, "bb": 2, "psp_clearing:x": -3}, seq=2**31 - 1, provider="simulator"),
    ]
    group = RowGroup()

    group.append(BLOCK, [cells(row) for row in rows[:2]], BlockSummary())
    group.append(BLOCK._replace(bucket=0), [cells(rows[2])], BlockSummary())
    table = group.take()

    assert table.schema == SCHEMA
    table.validate(full=True)
    for row, bucket, found in zip(rows, (3, 3, 0), table.to_pylist(), strict=True):
        found["postings"] = dict(found["postings"])
        assert found == {**row, "payment_type": "wallet", "bucket": bucket}


def test_next_group_begins_empty_and_keeps_its_names():
    group, first, second = RowGroup(), values(), values(currency="BRL")

    group.append(BLOCK, [cells(first)], BlockSummary())
    assert group.take().num_rows == 1
    group.append(BLOCK, [cells(second)], BlockSummary())
    table = group.take()

    assert table.column("currency").to_pylist() == ["BRL"]
    assert table.column("postings").to_pylist() == [list(second["postings"].items())]
    assert group.count == 0


def test_summary_counts_adds_and_digests():
    rows, summary = [values(), values(), values(currency="BRL")], BlockSummary()

    RowGroup().append(BLOCK, [cells(row) for row in rows], summary)

    assert summary.count == 3
    assert summary.sums == {"payments.payment.captured.v1/GBP": -2500, "payments.payment.captured.v1/BRL": -1250}
    assert summary.digest == sum(presence_of(row["body_sha256"]) for row in rows) % 2**128


def test_presence_of_many_is_the_sum_of_each():
    hashes = [sha256(bytes([number])).digest() for number in range(50)]

    assert presence_of_all(hashes) == sum(map(presence_of, hashes))
    assert presence_of_all(hashes[1:]) != sum(map(presence_of, hashes))


@pytest.mark.parametrize("name", ROW_COLUMNS)
def test_row_without_a_cell_is_refused_by_name(name):
    row = [None if column == name else cell for column, cell in zip(ROW_COLUMNS, cells(values()), strict=True)]

    with pytest.raises(BlockDamaged, match=rf"block 2026-03-01 wallet/3: a row has no {name}; run .*--day 2026-03-01"):
        RowGroup().append(BLOCK, [tuple(row)], BlockSummary())


def test_hash_of_another_length_is_refused():
    rows = [cells(values(body_sha256=b"s" * length)) for length in (31, 33)]

    with pytest.raises(BlockDamaged, match="body_sha256 is not 32 bytes"):
        RowGroup().append(BLOCK, rows, BlockSummary())
