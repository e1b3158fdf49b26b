"""What a verification found, for people and as JSON."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from payments_ledger.reconciliation.digests import Summary
from payments_ledger.reconciliation.scope import OpenDays

# Every difference is counted; so many are kept with their names, or an empty Cassandra would fill the memory.
DIFFERENCES_NAMED_MAX = 1000


class Kind(StrEnum):
    """How a row differs from what PostgreSQL holds."""

    MISSING = "missing"  # PostgreSQL has the event, the table has no such row
    EXTRA = "extra"  # the table has a row of an event that PostgreSQL does not know
    DIFFERENT = "different"  # columns hold other values than the event's body says
    UNBALANCED = "unbalanced"  # stored postings do not sum to zero
    HASH_BROKEN = "hash_broken"  # the stored body and the stored hash do not belong together
    STALE = "stale"  # the latest state is not that of the newest event
    UNNAMED = "unnamed"  # one of more than a report can name; in blocks not listed any more, at least one each
    UNREADABLE = "unreadable"  # PostgreSQL's own event cannot be turned into rows


@dataclass(frozen=True, slots=True)
class Difference:
    """One row that disagrees, named to its key. `columns` maps a column to (expected, found)."""

    kind: Kind
    table: str
    payment_id: UUID | None
    seq: int | None
    order_id: UUID | None = None
    booking_day: date | None = None
    columns: dict[str, tuple[str, str]] = field(default_factory=dict)
    detail: str = ""

    def sentence(self) -> str:
        parts = [f"{self.kind}: {self.table} payment_id={self.payment_id} seq={self.seq}"]
        if self.order_id:
            parts.append(f"order_id={self.order_id}")
        if self.booking_day:
            parts.append(f"booking_day={self.booking_day}")
        parts += [f"{name}: expected {expected}, found {found}" for name, (expected, found) in self.columns.items()]
        if self.detail:
            parts.append(self.detail)
        return " · ".join(parts)

    def as_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind.value,
            "table": self.table,
            "payment_id": str(self.payment_id) if self.payment_id else None,
            "seq": self.seq,
            "order_id": str(self.order_id) if self.order_id else None,
            "booking_day": self.booking_day.isoformat() if self.booking_day else None,
            "columns": {name: {"expected": want, "found": have} for name, (want, have) in self.columns.items()},
            "detail": self.detail,
        }


@dataclass(slots=True)
class Report:
    """The result of one verification. `totals` has one Summary per store: postgresql and each table compared."""

    watermark: datetime
    first_day: date | None
    last_day: date | None
    is_deep: bool
    tables: tuple[str, ...] = ()
    skipped: list[OpenDays] = field(default_factory=list)
    blocks: int = 0
    totals: dict[str, Summary] = field(default_factory=dict)
    differences: list[Difference] = field(default_factory=list)
    counts: Counter[Kind] = field(default_factory=Counter)
    seconds: float = 0.0

    @property
    def agrees(self) -> bool:
        return not self.counts

    @property
    def names_left(self) -> int:
        """How many more differences can be named."""
        return max(0, DIFFERENCES_NAMED_MAX - len(self.differences))

    def add(self, difference: Difference) -> None:
        if self.names_left:
            self.counts[difference.kind] += 1
            self.differences.append(difference)
        else:
            self.counts[Kind.UNNAMED] += 1

    def as_json(self) -> dict[str, Any]:
        return {
            "agrees": self.agrees,
            "mode": "deep" if self.is_deep else "quick",
            "watermark": self.watermark.isoformat(),
            "first_day": self.first_day.isoformat() if self.first_day else None,
            "last_day": self.last_day.isoformat() if self.last_day else None,
            "skipped": [
                {"source": batch.source, "first_day": str(batch.first_day), "last_day": str(batch.last_day)}
                for batch in self.skipped
            ],
            "tables": list(self.tables),
            "blocks": self.blocks,
            "totals": {
                store: {
                    "rows": summary.count,
                    "sums": {"/".join(key): amount for key, amount in sorted(summary.sums.items())},
                    "digest": f"{summary.presence:032x}",
                }
                for store, summary in self.totals.items()
            },
            "counts": {kind.value: count for kind, count in sorted(self.counts.items())},
            "differences": [difference.as_json() for difference in self.differences],
            "seconds": round(self.seconds, 3),
        }
