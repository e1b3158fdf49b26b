"""The seal of a booking day, as Cassandra has it. Without one the day is unsealed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from payments_ledger.analytics.blocks import BlockSummary
from payments_ledger.reconciliation.scope import Block
from payments_ledger.seals import recording


@dataclass(frozen=True, slots=True)
class DaySeal:
    """A day's seal: its number in the order of sealing, its hash in hexadecimal, and what each block added up to."""

    seal_no: int
    seal_hash: str
    blocks: Mapping[Block, BlockSummary]


def seal_of(day: date) -> DaySeal | None:
    """The day's seal; None while it has none, or one that found the stores to differ. Raises LedgerUnavailable."""
    seal = recording.seal_from(recording.stored_rows(day))
    if seal is None or not all(block.matched for block in seal.blocks):
        return None
    return DaySeal(
        seal_no=seal.seal_no,
        seal_hash=seal.hash().hex(),
        blocks={
            Block(day, block.payment_type, block.bucket): BlockSummary(
                block.event_count, int.from_bytes(block.digest, "big"), dict(block.sums)
            )
            for block in seal.blocks
        },
    )
