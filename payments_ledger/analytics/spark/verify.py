"""The blocks of both stores compared, with Cassandra's side read by Spark."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from pyspark.sql import SparkSession

from payments_ledger.analytics.spark import digests
from payments_ledger.reconciliation import postgres, scope
from payments_ledger.reconciliation.digests import Summary, total_of
from payments_ledger.reconciliation.scope import Block, OpenDays, Scope
from payments_ledger.tables import EVENTS_BY_DAY, PAYMENT_EVENTS


@dataclass(frozen=True, slots=True)
class UnequalBlock:
    """A block that differs; `block` is None for rows that name none. `manage.py ledger verify --day` names the keys."""

    table: str
    block: Block | None
    expected_rows: int
    found_rows: int
    is_hash_broken: bool

    def sentence(self) -> str:
        where = "rows without a block"
        if self.block is not None:
            day, payment_type, bucket = self.block
            where = f"booking_day={day} payment_type={payment_type} bucket={bucket}"
        broken = ", a body and its hash do not belong together" if self.is_hash_broken else ""
        return f"{self.table} {where}: {self.expected_rows} rows expected, {self.found_rows} found{broken}"


@dataclass(slots=True)
class BlockReport:
    """What the comparison found. `rows` counts by store: postgresql, and each table."""

    watermark: datetime
    skipped: list[OpenDays]
    rows: dict[str, int] = field(default_factory=dict)
    blocks: int = 0
    unequal: list[UnequalBlock] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def agrees(self) -> bool:
        return not self.unequal

    def lines(self) -> list[str]:
        """For people: what was compared, each block that differs, the verdict last."""
        counted = ", ".join(f"{store} {rows}" for store, rows in self.rows.items())
        return [
            f"watermark {self.watermark:%Y-%m-%d %H:%M:%S.%f} UTC · {self.blocks} blocks · {self.seconds:.2f} s",
            f"rows: {counted}",
            *(f"skipped: {batch.first_day} to {batch.last_day}, an import is open" for batch in self.skipped),
            *(one.sentence() for one in self.unequal),
            "the stores agree" if self.agrees else f"THE STORES DIFFER in {len(self.unequal)} blocks",
        ]

    def as_json(self) -> dict[str, Any]:
        return {
            "agrees": self.agrees,
            "watermark": self.watermark.isoformat(),
            "skipped": [str(batch) for batch in self.skipped],
            "rows": self.rows,
            "blocks": self.blocks,
            "unequal": [one.sentence() for one in self.unequal],
            "seconds": round(self.seconds, 3),
        }


def verify(spark: SparkSession, *, first_day: date | None = None, last_day: date | None = None) -> BlockReport:
    """Compare count, sums and digest of every block of payment_events and events_by_day with PostgreSQL.

    The bodies of payment_events are hashed again. Below the watermark, which is read before either store; days of
    open imports are left out. Changes nothing. Raises django.db.Error, or Spark's own errors, when a store cannot be
    read; there is no verdict then.
    """
    began = time.monotonic()
    limits, watermark = scope.fix_scope(first_day=first_day, last_day=last_day)
    expected: Mapping[Any, Summary] = postgres.summaries(limits)
    report = BlockReport(watermark, list(limits.open_days))
    report.rows["postgresql"] = total_of(expected.values()).count
    seen: set[Block | None] = set(expected)
    for table in (PAYMENT_EVENTS, EVENTS_BY_DAY):
        found, broken = digests.summaries(spark, table, limits)
        report.rows[table.name] = total_of(found.values()).count
        seen |= found.keys()
        differing = {block for block in expected.keys() | found.keys() if expected.get(block) != found.get(block)}
        for block in sorted(_outside_new_imports(differing | broken, limits, watermark), key=str):
            wanted, held = expected.get(block, Summary()), found.get(block, Summary())
            report.unequal.append(UnequalBlock(table.name, block, wanted.count, held.count, block in broken))
    report.blocks = len(seen)
    report.seconds = time.monotonic() - began
    return report


def _outside_new_imports(blocks: Iterable[Block | None], limits: Scope, watermark: datetime) -> Iterable[Block | None]:
    """Without the days of imports that were opened or closed while the stores were being read."""
    fresh = [days for days in scope.open_days(since=watermark) if days not in limits.open_days]
    return [block for block in blocks if block is None or not scope.is_within(block.booking_day, fresh)]
