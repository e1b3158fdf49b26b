"""Seals as Cassandra has them: one row a block, a day a partition."""

from datetime import UTC, date, datetime, timedelta

from payments_ledger import session
from payments_ledger.reconciliation.digests import day_of
from payments_ledger.rows import Row, microseconds, milliseconds
from payments_ledger.seals import rows
from payments_ledger.seals.seal import Seal, SealedBlock
from payments_ledger.tables import LEDGER_SEALS

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# The columns that say the same in every row of a seal.
COMMON = ("seal_version", "sealed_at", "seal_no", "prev_seal", "tool_version")


def write(seal: Seal) -> None:
    """Write the seal's rows at the time of sealing. Idempotent: again and again gives the same rows."""
    rows.write(LEDGER_SEALS, rows_of(seal), timestamp_us=microseconds(seal.sealed_at))


def rows_of(seal: Seal) -> list[Row]:
    """The seal's rows, in the order of the table's columns and key; `sealed_at` in milliseconds."""
    return [
        (
            seal.booking_day,
            block.payment_type,
            block.bucket,
            seal.seal_version,
            block.event_count,
            dict(block.sums),
            block.digest,
            block.pg_digest,
            block.matched,
            milliseconds(seal.sealed_at),
            seal.seal_no,
            seal.prev_seal,
            seal.tool_version,
        )
        for block in seal.blocks
    ]


def stored_rows(day: date) -> list[Row]:
    """The day's rows in Cassandra, in the form of rows_of(). Raises LedgerUnavailable."""
    cql = LEDGER_SEALS.select_cql(where=LEDGER_SEALS.partition_condition())
    return [_plain(row) for row in session.stream(cql, (day,))]


def days() -> set[date]:
    """The days of which there is any row."""
    found = session.stream(f"SELECT DISTINCT booking_day FROM {LEDGER_SEALS.name}")
    return {day for day in (day_of(row[0]) for row in found) if day is not None}


def seal_from(stored: list[Row]) -> Seal | None:
    """The seal that these rows are, whatever they say; None when they are not the rows of one seal."""
    if not stored:
        return None
    named = [dict(zip(LEDGER_SEALS.columns, row, strict=True)) for row in stored]
    first = named[0]
    if any(row[column] is None for row in named for column in LEDGER_SEALS.columns if column != "sums"):
        return None
    if any(row[column] != first[column] for row in named for column in COMMON):
        return None
    if any(row["matched"] != (row["digest"] == row["pg_digest"]) for row in named):
        return None
    return Seal(
        seal_no=first["seal_no"],
        booking_day=first["booking_day"],
        prev_seal=first["prev_seal"],
        sealed_at=EPOCH + timedelta(milliseconds=first["sealed_at"]),
        blocks=tuple(
            SealedBlock(
                payment_type=row["payment_type"],
                bucket=row["bucket"],
                event_count=row["event_count"],
                sums=row["sums"] or {},
                digest=row["digest"],
                pg_digest=row["pg_digest"],
            )
            for row in named
        ),
        seal_version=first["seal_version"],
        tool_version=first["tool_version"],
    )


def _plain(row: Row) -> Row:
    named = dict(zip(LEDGER_SEALS.columns, row, strict=True))
    named["booking_day"] = day_of(named["booking_day"])
    named["sums"] = None if named["sums"] is None else dict(named["sums"].items())
    named["sealed_at"] = None if named["sealed_at"] is None else milliseconds(rows.in_utc(named["sealed_at"]))
    return tuple(named.values())
