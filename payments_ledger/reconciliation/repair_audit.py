"""Keeps the record of one repair run: each row before it is written, each block before and after."""

from collections.abc import Iterable, Sequence
from typing import Any

from core import clock
from payments_ledger import session
from payments_ledger.models import LedgerRepair, RepairedBlock, RepairedRow
from payments_ledger.reconciliation.digests import MODULUS, comparable_form, content_of
from payments_ledger.reconciliation.scope import Block
from payments_ledger.reconciliation.stored_rows import Damage
from payments_ledger.tables import EVENTS_BY_DAY


class RepairAudit:
    """The record of one run. Every method commits by itself, so that it outlives a crash of the run."""

    def __init__(self, *, who: str, why: str, arguments: dict[str, Any]) -> None:
        self.repair = LedgerRepair.objects.create(who=who, why=why, arguments=arguments)
        self._blocks: set[Block] = set()

    def note_before(self, damages: Sequence[Damage], write_timestamps_us: Sequence[int]) -> None:
        """Store what is about to be written, and the digest of each block this run has not met yet."""
        for block in sorted({block_of(damage) for damage in damages} - self._blocks):
            count, digest = block_digest(block)
            RepairedBlock.objects.create(
                repair=self.repair, **block._asdict(), count_before=count, digest_before=digest
            )
            self._blocks.add(block)
        RepairedRow.objects.bulk_create(
            RepairedRow(
                repair=self.repair,
                table_name=damage.wanted.table.name,
                payment_id=damage.wanted.event.payment_id,
                seq=damage.wanted.event.seq,
                columns=list(damage.columns),
                found=damage.found_readable(),
                found_digest=damage.found_digest(),
                written_digest=damage.wanted_digest(),
                write_timestamp_us=timestamp_us,
            )
            for damage, timestamp_us in zip(damages, write_timestamps_us, strict=True)
        )

    def finish(self, *, rows_written: int, outcome: dict[str, Any]) -> None:
        """Store the digests of the blocks as they are now, and what became of the run."""
        for noted in RepairedBlock.objects.filter(repair=self.repair):
            block = Block(noted.booking_day, noted.payment_type, noted.bucket)
            noted.count_after, noted.digest_after = block_digest(block)
            noted.save(update_fields=["count_after", "digest_after"])
        self.repair.rows_written = rows_written
        self.repair.outcome = outcome
        self.repair.finished_at = clock.now()
        self.repair.save(update_fields=["rows_written", "outcome", "finished_at"])


def block_of(damage: Damage) -> Block:
    event = damage.wanted.event
    return Block(event.booking_day, event.payment_type, event.bucket)


def block_digest(block: Block) -> tuple[int, str]:
    """Rows of the block's partition of events_by_day, and the sum of a hash over every column of each."""
    cql = EVENTS_BY_DAY.select_cql(where=EVENTS_BY_DAY.partition_condition())
    comparable = comparable_form(EVENTS_BY_DAY.columns)
    return _sum(content_of(comparable(row)) for row in session.stream(cql, block))


def _sum(contents: Iterable[int]) -> tuple[int, str]:
    count = total = 0
    for content in contents:
        count, total = count + 1, (total + content) % MODULUS
    return count, f"{total:032x}"
