"""What a day file says of itself, in its Parquet footer: which day, sealed or not, and the digests of its blocks."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Self

import pyarrow as pa
import pyarrow.parquet as pq

from payments_ledger.analytics.blocks import BlockSummary, digest_of_day
from payments_ledger.analytics.sealed import DaySeal
from payments_ledger.reconciliation.digests import DIGEST_BYTES
from payments_ledger.reconciliation.scope import Block

# A file of another format is exported again.
FORMAT = "1"


@dataclass(frozen=True, slots=True)
class Stamp:
    """A day file's own description. Digests in hexadecimal; `blocks` has those with rows, by '<payment_type>/<bucket>'.

    `seal_no` and `seal_hash` are empty for a day that was not sealed when it was exported.
    """

    booking_day: date
    event_count: int
    digest: str
    blocks: Mapping[str, str]
    is_sealed: bool
    seal_no: str = ""
    seal_hash: str = ""

    @classmethod
    def of(cls, day: date, blocks: Mapping[Block, BlockSummary], seal: DaySeal | None) -> Self:
        return cls(
            booking_day=day,
            event_count=sum(summary.count for summary in blocks.values()),
            digest=digest_of_day(blocks).to_bytes(DIGEST_BYTES, "big").hex(),
            blocks={
                f"{block.payment_type}/{block.bucket}": summary.hexadecimal()
                for block, summary in sorted(blocks.items())
                if summary.count
            },
            is_sealed=seal is not None,
            seal_no=str(seal.seal_no) if seal else "",
            seal_hash=seal.seal_hash if seal else "",
        )

    def metadata(self) -> dict[str, str]:
        """The footer's key and value pairs."""
        return {
            "countinghouse.format": FORMAT,
            "countinghouse.booking_day": self.booking_day.isoformat(),
            "countinghouse.event_count": str(self.event_count),
            "countinghouse.digest": self.digest,
            "countinghouse.block_digests": json.dumps(self.blocks, sort_keys=True),
            "countinghouse.sealed": "true" if self.is_sealed else "false",
            "countinghouse.seal_no": self.seal_no,
            "countinghouse.seal_hash": self.seal_hash,
        }


def stamp_of(path: Path) -> Stamp | None:
    """The stamp of a day file; None when there is no file, or none of this format, or a damaged one."""
    try:
        footer = pq.read_metadata(path).metadata or {}
        said = {key.decode(): value.decode() for key, value in footer.items() if key.startswith(b"countinghouse.")}
        if said.get("countinghouse.format") != FORMAT:
            return None
        return Stamp(
            booking_day=date.fromisoformat(said["countinghouse.booking_day"]),
            event_count=int(said["countinghouse.event_count"]),
            digest=said["countinghouse.digest"],
            blocks=json.loads(said["countinghouse.block_digests"]),
            is_sealed=said["countinghouse.sealed"] == "true",
            seal_no=said["countinghouse.seal_no"],
            seal_hash=said["countinghouse.seal_hash"],
        )
    except (OSError, pa.ArrowException, KeyError, ValueError):
        return None
