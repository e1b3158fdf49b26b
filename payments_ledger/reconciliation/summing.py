"""What pieces of both stores add up to, block by block: the work that processes share."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from payments_ledger.errors import LedgerUnavailable, VerificationUnfinished
from payments_ledger.reconciliation import postgres
from payments_ledger.reconciliation.checks import CHECKS, Check, Place
from payments_ledger.reconciliation.digests import Summary, content_of, date_of, total_of
from payments_ledger.reconciliation.report import DIFFERENCES_NAMED_MAX, Difference, Kind
from payments_ledger.reconciliation.scanning import Reading, pages, rows_in_scope
from payments_ledger.reconciliation.scope import Block, Scope
from payments_ledger.rows import Row

Summaries = dict[Place, Summary]

# The clock is looked at once in so many events.
CLOCK_EVENTS = 2_000
READ_ATTEMPTS = 3
# What proves presence and amounts; bodies stay unread.
_AMOUNTS = ("event_type", "currency", "amount_minor", "body_sha256")
_WHERE = ("booking_day", "payment_type", "bucket", "booked_at")
# The driver's times are naive and mean UTC.
_EPOCH = datetime(1970, 1, 1)


@dataclass(slots=True)
class Expected:
    """What PostgreSQL says each table should add up to, and its own events that have a problem."""

    tables: dict[str, Summaries]
    problems: list[Difference] = field(default_factory=list)
    problems_unnamed: int = 0

    @property
    def events(self) -> Summary:
        """All of it together, by the first table, which has a row for every event unless only others were asked for."""
        return total_of(next(iter(self.tables.values())).values())

    def add(self, other: "Expected") -> None:
        """Add another share."""
        for name, summaries in other.tables.items():
            merge(self.tables[name], summaries)
        self.problems += other.problems
        self.problems_unnamed += other.problems_unnamed


def narrowed(check: Check) -> Check:
    """The check over the columns that a quick verification reads. Its table must have hashes.

    Where a partition is a block, the query names the block and ends at the watermark.
    """
    return check.with_columns(_AMOUNTS if check.is_by_block else (*_WHERE, *_AMOUNTS))


def held(reading: Reading, scope: Scope) -> Summaries:
    """What one piece of a table in Cassandra holds. Raises LedgerUnavailable when it cannot be read, however often."""
    for attempt in range(1, READ_ATTEMPTS):
        try:
            return _held(reading, scope)
        except LedgerUnavailable:
            # A busy server lets one query of thousands time out; the piece is small, and read from its beginning.
            time.sleep(attempt)
    return _held(reading, scope)


def _held(reading: Reading, scope: Scope) -> Summaries:
    found: Summaries = {}
    if reading.check.is_whole:
        for place, row in rows_in_scope(reading, scope):
            add_row(reading.check, found.setdefault(place, Summary()), row)
    elif reading.check.is_by_block:
        for place, rows in pages(reading):
            if rows:
                found.setdefault(place, Summary()).add_page(rows)
    else:
        for _, rows in pages(reading):
            _add_narrow_page(found, rows, scope)
    return found


def expected_quick(scope: Scope, names: tuple[str, ...]) -> Expected:
    """From the stored hashes: one statement, no body is read."""
    summaries: Summaries = {}
    merge(summaries, postgres.summaries(scope))
    # The same for every table, and never added to: quick has one share.
    return Expected(dict.fromkeys(names, summaries))


def expected_deep(
    scope: Scope, names: tuple[str, ...], *, share: int = 0, shares: int = 1, ends_at: float = float("inf")
) -> Expected:
    """From the bodies of one share of the payments, each row made anew.

    Raises VerificationUnfinished when that takes until `ends_at` of the monotonic clock.
    """
    forms: list[tuple[Check, Callable[[Row], Row], Summaries]] = [
        (CHECKS[name], CHECKS[name].comparable(), {}) for name in names
    ]
    found = Expected({check.name: summaries for check, _, summaries in forms})
    for number, event in enumerate(postgres.stream(scope, share=share, shares=shares)):
        if number % CLOCK_EVENTS == 0 and time.monotonic() > ends_at:
            raise VerificationUnfinished(f"after {number} events of PostgreSQL")
        if event.problem:
            _add_problem(found, event)
        for check, form, summaries in forms:
            row = event.row(check)
            if row is not None:
                add_row(check, summaries.setdefault(check.place_of(row), Summary()), form(row))
    return found


def add_row(check: Check, summary: Summary, row: Row) -> None:
    """Add a whole row in comparable form."""
    if not check.has_body_hash:
        summary.add(body_sha256=None, content=content_of(row))
        return
    positions = check.positions
    summary.add(body_sha256=row[positions["body_sha256"]], content=content_of(row))
    event_type, currency = row[positions["event_type"]], row[positions["currency"]]
    summary.add_amount(event_type or "", currency or "", row[positions["amount_minor"]] or 0)


def merge(into: Summaries, more: Mapping[Any, Summary]) -> None:
    for place, summary in more.items():
        known = into.get(place)
        if known is None:
            into[place] = summary
        else:
            known.merge(summary)


def _add_narrow_page(found: Summaries, rows: Sequence[Row], scope: Scope) -> None:
    """Rows of a scanned table: each says itself where it belongs."""
    watermark = _EPOCH + timedelta(milliseconds=scope.watermark_ms)
    parts: dict[Row, list[Row]] = {}
    for row in rows:
        day, payment_type, bucket, booked_at = row[:4]
        if booked_at is None or booked_at < watermark:
            # The driver's own class of days is slow as a key.
            key = (None if day is None else day.days_from_epoch), payment_type, bucket
            parts.setdefault(key, []).append(row[4:])
    for (days, payment_type, bucket), page in parts.items():
        day = None if days is None else date_of(days)
        if scope.has_day(day):
            place = None
            if day is not None and payment_type is not None and bucket is not None:
                place = Block(day, payment_type, bucket)
            found.setdefault(place, Summary()).add_page(page)


def _add_problem(found: Expected, event: postgres.Held) -> None:
    if len(found.problems) == DIFFERENCES_NAMED_MAX:
        found.problems_unnamed += 1
        return
    found.problems.append(
        Difference(
            kind=Kind.UNBALANCED if event.is_unbalanced else Kind.UNREADABLE,
            table="payments_paymentevent",
            payment_id=event.payment_id,
            seq=event.seq,
            order_id=event.order_id,
            booking_day=event.block.booking_day,
            detail=event.problem,
        )
    )
