"""Blocks that do not agree → the rows that differ, each named to its key and told apart by kind."""

from collections.abc import Collection, Iterator
from datetime import date
from hashlib import sha256
from typing import Any, TypeVar
from uuid import UUID

from payments_ledger import history
from payments_ledger.reconciliation import postgres
from payments_ledger.reconciliation.checks import STATE, Check, rows_in_scope, stored_row
from payments_ledger.reconciliation.digests import content_of
from payments_ledger.reconciliation.report import DIFFERENCES_NAMED_MAX, Difference, Kind, Report
from payments_ledger.reconciliation.scope import Block, Scope
from payments_ledger.rows import EventRows, Row

Key = tuple[UUID, int]
T = TypeVar("T")

SHOWN_CHARACTERS_MAX = 120
READ_KEYS_MAX = 500


def add_differences(check: Check, scope: Scope, blocks: Collection[Block | None], report: Report) -> None:
    """Add to `report` every row of `blocks` that differs. Memory is bounded by the rows of those blocks.

    Whatever looks wrong is read once more by its key before it is reported, from both stores, so that a row written
    in the meantime raises no alarm.
    """
    expected = _expected(check, scope, blocks)
    comparable = check.comparable()
    strangers: list[Row] = []
    suspects: list[Key] = []
    for _, row in rows_in_scope(check, scope, blocks=blocks):
        known = expected.pop(check.key_of(row), None)
        if known is None:
            strangers.append(check.key_of(row))
        elif known[0] != content_of(row):
            suspects.append(known[1])
    suspects += [key for _, key in expected.values()]
    reported: set[Row] = set()
    for event in _events(_nameable(suspects, report)):
        reported.add(check.key_of(comparable(check.expected(event))))
        _add_unless_equal(check, event, report)
    strangers = [stranger for stranger in strangers if stranger not in reported]
    for stranger in _nameable(strangers, report):
        _add_stranger(check, scope, stranger, report)


def _expected(check: Check, scope: Scope, blocks: Collection[Block | None]) -> dict[Row, tuple[int, Key]]:
    """Comparable primary key → (content hash, payment and seq) of the rows these blocks should have."""
    comparable = check.comparable()
    days = {block.booking_day for block in blocks if block is not None}
    found: dict[Row, tuple[int, Key]] = {}
    for held in postgres.stream(scope, days=days):
        if held.rows is None or (check is STATE and not held.is_newest):
            continue
        row = check.expected(held.rows)
        if check.block_of(row) in blocks:
            plain = comparable(row)
            found[check.key_of(plain)] = content_of(plain), (held.payment_id, held.seq)
    return found


def _nameable(suspects: list[T], report: Report) -> list[T]:
    """The first of them; the rest is counted only, because naming one costs a read in both stores."""
    if len(suspects) > DIFFERENCES_NAMED_MAX:
        report.counts[Kind.UNNAMED] += len(suspects) - DIFFERENCES_NAMED_MAX
    return suspects[:DIFFERENCES_NAMED_MAX]


def _events(keys: list[Key]) -> Iterator[EventRows]:
    for start in range(0, len(keys), READ_KEYS_MAX):
        yield from history.events_with_keys(keys[start : start + READ_KEYS_MAX])


def _add_unless_equal(check: Check, event: EventRows, report: Report) -> None:
    if check is STATE and postgres.newest_seq(event.payment_id) > event.seq:
        return
    expected = check.comparable()(check.expected(event))
    raw_key = check.key_of(check.expected(event))
    stored = stored_row(check, raw_key)
    named: dict[str, Any] = {
        "table": check.table.name,
        "payment_id": event.payment_id,
        "seq": event.seq,
        "order_id": event.order_id,
        "booking_day": event.booking_day,
    }
    if stored is None:
        report.add(Difference(kind=Kind.MISSING, **named))
        return
    columns = {
        column: (_shown(column, want), _shown(column, have))
        for column, want, have in zip(check.columns, expected, stored, strict=True)
        if want != have
    }
    if columns:
        report.add(Difference(kind=_kind(check, expected, stored), columns=columns, **named))


def _kind(check: Check, expected: Row, stored: Row) -> Kind:
    if check is STATE:
        version = stored[check.positions["version"]]
        return Kind.STALE if (version or 0) < expected[check.positions["version"]] else Kind.DIFFERENT
    if "body" in check.columns:
        body, claimed = stored[check.positions["body"]], stored[check.positions["body_sha256"]]
        if sha256((body or "").encode()).digest() != claimed:
            return Kind.HASH_BROKEN
    return Kind.DIFFERENT


def _add_stranger(check: Check, scope: Scope, key: Row, report: Report) -> None:
    """A row whose key was not expected in its block: of an event elsewhere in the books, or of none at all."""
    names = dict(zip(check.table.key, key, strict=True))
    payment_id = UUID(int=names["payment_id"])
    seq = postgres.newest_seq(payment_id) if check is STATE else names["seq"]
    for event in history.events_with_keys([(payment_id, seq)]):
        if check.key_of(check.comparable()(check.expected(event))) == key:
            # The right row with wrong values in the columns that say where it belongs; or newer than the watermark.
            if event.write_timestamp_us < scope.watermark_ms * 1000:
                _add_unless_equal(check, event, report)
            return
    report.add(
        Difference(
            kind=Kind.EXTRA,
            table=check.table.name,
            payment_id=payment_id,
            seq=names.get("seq"),
            detail=", ".join(f"{column}={_shown(column, value)}" for column, value in names.items()),
        )
    )


def _shown(column: str, value: Any) -> str:
    if value is None:
        return "nothing"
    if column.endswith("_id"):
        return str(UUID(int=value))
    if isinstance(value, bytes):
        return value.hex()
    if column == "booking_day" and isinstance(value, int):
        return str(date.fromordinal(value))
    text = str(value)
    return text if len(text) <= SHOWN_CHARACTERS_MAX else f"{text[:SHOWN_CHARACTERS_MAX]}…"
