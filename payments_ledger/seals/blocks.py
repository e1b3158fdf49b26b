"""The blocks of one day as both stores hold them, summed up for a seal and for the day's totals."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from core.payments.models import PaymentEvent
from payments_ledger import session
from payments_ledger.reconciliation.digests import DIGEST_BYTES, Summary
from payments_ledger.reconciliation.scope import Block
from payments_ledger.seals.seal import SealedBlock
from payments_ledger.tables import EVENTS_BY_DAY

_COLUMNS = ("event_type", "currency", "amount_minor", "body_sha256")


@dataclass(slots=True)
class Recorded:
    """One partition of events_by_day. `counts` are events by (event_type, currency), as `summary.sums` are amounts."""

    summary: Summary = field(default_factory=Summary)
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)


def recorded(blocks: Iterable[Block]) -> dict[Block, Recorded]:
    """These blocks as Cassandra holds them, from the stored hashes; a page of rows in memory at a time.

    Raises LedgerUnavailable.
    """
    return {block: _read(block) for block in blocks}


def blocks_booked(day: date) -> list[Block]:
    """The day's blocks that PostgreSQL has events in, in the order of payment type and bucket."""
    found = PaymentEvent.objects.filter(booking_day=day).values_list("payment_type", "bucket").distinct()
    return [Block(day, payment_type, bucket) for payment_type, bucket in sorted(found)]


def sealed_block(block: Block, in_cassandra: Summary, in_postgresql: Summary) -> SealedBlock:
    """What the seal says of a block on which both stores agree."""
    return SealedBlock(
        payment_type=block.payment_type,
        bucket=block.bucket,
        event_count=in_cassandra.count,
        sums={f"{event_type}/{currency}": amount for (event_type, currency), amount in in_cassandra.sums.items()},
        digest=digest_of(in_cassandra),
        pg_digest=digest_of(in_postgresql),
    )


def digest_of(summary: Summary) -> bytes:
    return summary.presence.to_bytes(DIGEST_BYTES, "big")


def is_same(one: Summary, other: Summary) -> bool:
    """Whether count, sums and digest are equal."""
    return (one.count, one.sums, one.presence) == (other.count, other.sums, other.presence)


def _read(block: Block) -> Recorded:
    cql = EVENTS_BY_DAY.select_cql(columns=_COLUMNS, where=EVENTS_BY_DAY.partition_condition())
    found = Recorded()
    for event_type, currency, amount_minor, body_sha256 in session.stream(cql, tuple(block)):
        key = event_type or "", currency or ""
        found.summary.add(body_sha256=body_sha256, content=0)
        found.summary.add_amount(*key, amount_minor or 0)
        found.counts[key] += 1
    return found
