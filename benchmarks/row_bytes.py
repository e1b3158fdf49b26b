"""How many bytes a row takes in an SSTable before compression: the format's own encoding, column by column.

A test writes rows to a real Cassandra, uncompressed, and holds this estimate against the size of its data files.
"""

from uuid import UUID

from payments_ledger.rows import Row
from payments_ledger.tables import Table

# Written without a length: uuid, timestamp, bigint, int. Every other type carries its length in front.
_FIXED_BYTES = {
    **dict.fromkeys(("payment_id", "order_id", "user_id", "event_id", "object_id"), 16),
    **dict.fromkeys(("booked_at", "occurred_at", "created_at", "updated_at"), 8),
    **dict.fromkeys(
        ("amount_minor", "authorized_minor", "captured_minor", "refunded_minor", "disputed_minor"),
        8,
    ),
    **dict.fromkeys(("seq", "version", "month"), 4),
}
_VARIABLE_BYTES = {"booking_day": 4, "bucket": 2, "schema_version": 2}
# Length of the key, when the partition was deleted (never: 12 bytes say so), and the mark of its end.
PARTITION_BYTES = 2 + 12 + 1
# Flags, sizes of this row and of the one before, and the write timestamp as its distance from the file's oldest.
_ROW_BYTES = 1 + 2 + 2 + 7
_CELL_BYTES = 1
_MAP_COUNT_BYTES = 4
_MAP_LENGTH_BYTES = 4


def row_bytes(table: Table, row: Row) -> int:
    """A row's bytes without its partition key, which is written once for all rows of a partition."""
    values = dict(zip(table.columns, row, strict=True))
    clustering = 1 + sum(_value_bytes(name, values[name]) for name in table.clustering_key)
    cells = {name: value for name, value in values.items() if name not in table.key and value is not None}
    is_partial = len(cells) < len(table.columns) - len(table.key)
    return (
        (_ROW_BYTES if table.clustering_key else _ROW_BYTES - 1)
        + (clustering if table.clustering_key else 0)
        + int(is_partial)
        + sum(_CELL_BYTES + _value_bytes(name, value) for name, value in cells.items())
    )


def partition_bytes(table: Table, row: Row) -> int:
    """What a partition takes beside its rows; `row` is any row of it."""
    values = dict(zip(table.columns, row, strict=True))
    key = sum(_key_bytes(name, values[name]) for name in table.partition_key)
    # A key of several columns frames each with its length and an end.
    return PARTITION_BYTES + key + (3 * len(table.partition_key) if len(table.partition_key) > 1 else 0)


def _key_bytes(name: str, value: object) -> int:
    if name in _FIXED_BYTES:
        return _FIXED_BYTES[name]
    if name in _VARIABLE_BYTES:
        return _VARIABLE_BYTES[name]
    return len(str(value).encode())


def _value_bytes(name: str, value: object) -> int:
    if name in _FIXED_BYTES:
        return _FIXED_BYTES[name]
    if name in _VARIABLE_BYTES:
        return 1 + _VARIABLE_BYTES[name]
    if isinstance(value, dict):
        pairs = sum(2 * _MAP_LENGTH_BYTES + len(key.encode()) + 8 for key in value)
        return _with_length(_MAP_COUNT_BYTES + pairs)
    if isinstance(value, str):
        return _with_length(len(value.encode()))
    if isinstance(value, bytes):
        return _with_length(len(value))
    raise TypeError(f"no size is known for {name}={value!r}" + (" (a uuid)" if isinstance(value, UUID) else ""))


def _with_length(size: int) -> int:
    # A variable-length integer: one byte up to 127, two up to 16383.
    return size + (1 if size < 128 else 2 if size < 16_384 else 3)
