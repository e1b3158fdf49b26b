"""One day from Cassandra to its file. Runs in an export's own processes, each with a session of its own."""

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path

import pyarrow.parquet as pq

from payments_ledger.analytics import folder as folders
from payments_ledger.analytics.blocks import BlockSummary
from payments_ledger.analytics.columns import SCHEMA, RowGroup, presence_of_all
from payments_ledger.analytics.errors import BlockDamaged
from payments_ledger.analytics.pages import pages
from payments_ledger.analytics.sealed import DaySeal
from payments_ledger.analytics.stamps import Stamp, stamp_of
from payments_ledger.reconciliation.digests import MODULUS
from payments_ledger.reconciliation.scope import Block

ROW_GROUP_ROWS = 128_000
# Level 1: level 3 made files of the same size, 81 bytes a row, most of it ids and hashes, which do not compress.
COMPRESSION, COMPRESSION_LEVEL = "zstd", 1
_RANDOM = ("payment_id", "order_id", "user_id", "body_sha256")

Summaries = Mapping[Block, BlockSummary]


class Outcome(StrEnum):
    WRITTEN = "written"
    CURRENT = "current"  # there already, with the same digest and seal
    DAMAGED = "damaged"  # not what its seal says, or not what an event can be; its file is left as it was
    UNSEALED = "unsealed"  # not asked for


@dataclass(frozen=True, slots=True)
class DayTask:
    """A day to export: its blocks, and its seal when it has one."""

    day: date
    blocks: tuple[Block, ...]
    seal: DaySeal | None
    folder: Path


@dataclass(frozen=True, slots=True)
class DayResult:
    """What became of a day. `seconds` is what it took; `detail` says why a damaged day was not written."""

    day: date
    outcome: Outcome
    rows: int = 0
    file_bytes: int = 0
    digest: str = ""
    seconds: float = 0.0
    detail: str = ""


def is_current(task: DayTask) -> bool:
    """Whether the day's file says the same as the seal: nothing is read from the day's blocks."""
    stamp = stamp_of(folders.day_file(task.folder, task.day))
    return (
        stamp is not None
        and task.seal is not None
        and (stamp.is_sealed, stamp.seal_no, stamp.seal_hash) == (True, str(task.seal.seal_no), task.seal.seal_hash)
        and stamp.digest == Stamp.of(task.day, task.seal.blocks, task.seal).digest
    )


def export_day(task: DayTask) -> DayResult:
    """Write the day's file, unless it is there with the same digest and as sealed as now. Raises LedgerUnavailable.

    A day that is not what its seal says is not written.
    """
    started = time.monotonic()
    target = folders.day_file(task.folder, task.day)
    before = stamp_of(target)
    if task.seal is None and before is not None and not before.is_sealed and before.digest == _digest_now(task):
        return DayResult(task.day, Outcome.CURRENT, before.event_count, digest=before.digest)
    unfinished = folders.unfinished_file(task.folder, task.day)
    try:
        stamp = _write(task, unfinished)
        folders.publish(unfinished, target)
    except BlockDamaged as error:
        return DayResult(task.day, Outcome.DAMAGED, detail=str(error))
    finally:
        unfinished.unlink(missing_ok=True)
    seconds = time.monotonic() - started
    size = target.stat().st_size
    return DayResult(task.day, Outcome.WRITTEN, stamp.event_count, size, stamp.digest, seconds)


def _write(task: DayTask, path: Path) -> Stamp:
    summaries: defaultdict[Block, BlockSummary] = defaultdict(BlockSummary)
    group = RowGroup()
    with pq.ParquetWriter(
        path,
        SCHEMA,
        compression=COMPRESSION,
        compression_level=COMPRESSION_LEVEL,
        use_dictionary=[name for name in SCHEMA.names if name not in _RANDOM],
    ) as writer:
        for block, rows in pages(task.blocks):
            group.append(block, rows, summaries[block])
            if group.count >= ROW_GROUP_ROWS:
                writer.write_table(group.take())
        if group.count:
            writer.write_table(group.take())
        if task.seal is not None:
            _require_as_sealed(summaries, task.seal.blocks)
        stamp = Stamp.of(task.day, summaries, task.seal)
        writer.add_key_value_metadata(stamp.metadata())
    return stamp


def _require_as_sealed(found: Summaries, sealed: Summaries) -> None:
    for block in sorted(found.keys() | sealed.keys()):
        now, then = found.get(block, BlockSummary()), sealed.get(block, BlockSummary())
        if now != then:
            raise BlockDamaged(
                block,
                f"it has {now.count} events with digest {now.hexadecimal()} and sums {now.sums}, "
                f"its seal says {then.count}, {then.hexadecimal()} and {then.sums}",
            )


def _digest_now(task: DayTask) -> str:
    """The day's digest from the hashes alone, to see whether anything has come since it was exported."""
    total = 0
    for _, rows in pages(task.blocks, columns=("body_sha256",)):
        total += presence_of_all([cell or b"" for (cell,) in rows])
    return (total % MODULUS).to_bytes(16, "big").hex()


def results_by_outcome(results: Iterable[DayResult]) -> dict[Outcome, list[DayResult]]:
    found: dict[Outcome, list[DayResult]] = {outcome: [] for outcome in Outcome}
    for result in results:
        found[result.outcome].append(result)
    return found
