"""Blocks that do not agree → the rows that differ, each named to its key and told apart by kind."""

from collections.abc import Collection, Iterator, Mapping
from datetime import date
from hashlib import sha256
from typing import Any, TypeVar
from uuid import UUID

from payments_ledger import history
from payments_ledger.reconciliation import postgres
from payments_ledger.reconciliation.checks import Check, Place
from payments_ledger.reconciliation.digests import Summary, content_of
from payments_ledger.reconciliation.report import Difference, Kind, Report
from payments_ledger.reconciliation.scanning import readings, rows_in_scope, stored_row
from payments_ledger.reconciliation.scope import Block, Scope
from payments_ledger.rows import EventRows, Row

Key = tuple[UUID, int]
T = TypeVar("T")

SHOWN_CHARACTERS_MAX = 120
READ_KEYS_MAX = 500
# Blocks are listed in groups of about so many rows, so that memory has a bound though a whole table is gone.
ROWS_LISTED_MAX = 100_000


def add_differences(
    check: Check,
    scope: Scope,
    places: Collection[Place],
    expected: Mapping[Place, Summary],
    held: Mapping[Place, Summary],
    report: Report,
) -> None:
    """Add to `report` every row of these unequal blocks that differs.

    Once the report names as many as it can, blocks are no longer listed but counted, at least one difference each.
    """
    for group in _groups(places, expected, held):
        if report.names_left:
            _list_differences(check, scope, group, report)
            continue
        for place in group:
            rows = expected.get(place, Summary()).count - held.get(place, Summary()).count
            report.counts[Kind.UNNAMED] += max(1, abs(rows))


def _groups(
    places: Collection[Place], expected: Mapping[Place, Summary], held: Mapping[Place, Summary]
) -> Iterator[set[Place]]:
    """The places in a fixed order, each group with about ROWS_LISTED_MAX rows or with one place."""
    group: set[Place] = set()
    rows = 0
    for place in sorted(places, key=str):
        group.add(place)
        rows += max(expected.get(place, Summary()).count, held.get(place, Summary()).count)
        if rows >= ROWS_LISTED_MAX:
            yield group
            group, rows = set(), 0
    if group:
        yield group


def _list_differences(check: Check, scope: Scope, places: Collection[Place], report: Report) -> None:
    """Read these blocks row by row. Memory is bounded by their rows.

    Whatever looks wrong is read once more by its key before it is reported, from both stores, so that a row written
    in the meantime raises no alarm.
    """
    expected = _expected(check, scope, places)
    strangers: list[Row] = []
    suspects: list[Key] = []
    for reading in readings(check, scope, places=places):
        for _, stored in rows_in_scope(reading, scope, places=places):
            known = expected.pop(check.key_of(stored), None)
            if known is None:
                strangers.append(check.key_of(stored))
            elif known[0] != content_of(stored):
                suspects.append(known[1])
    suspects += [key for _, key in expected.values()]
    reported: set[Row] = set()
    comparable = check.comparable()
    for event in _events(_nameable(suspects, report)):
        row = check.expected(event)
        if row is not None:
            reported.add(check.key_of(comparable(row)))
            _add_unless_equal(check, event, row, report)
    strangers = [stranger for stranger in strangers if stranger not in reported]
    for stranger in _nameable(strangers, report):
        _add_stranger(check, scope, stranger, report)


def _expected(check: Check, scope: Scope, places: Collection[Place]) -> dict[Row, tuple[int, Key]]:
    """Comparable primary key → (content hash, payment and seq) of the rows these blocks should have."""
    comparable = check.comparable()
    days = None if check.time_column is None else {place.booking_day for place in places if isinstance(place, Block)}
    found: dict[Row, tuple[int, Key]] = {}
    for held in postgres.stream(scope, days=days):
        made = held.row(check)
        if made is not None and check.place_of(made) in places:
            plain = comparable(made)
            found[check.key_of(plain)] = content_of(plain), (held.payment_id, held.seq)
    return found


def _nameable(suspects: list[T], report: Report) -> list[T]:
    """As many as the report can still name; the rest is counted only: naming one costs a read in both stores."""
    room = report.names_left
    if len(suspects) > room:
        report.counts[Kind.UNNAMED] += len(suspects) - room
    return suspects[:room]


def _events(keys: list[Key]) -> Iterator[EventRows]:
    for start in range(0, len(keys), READ_KEYS_MAX):
        yield from history.events_with_keys(keys[start : start + READ_KEYS_MAX])


def _add_unless_equal(check: Check, event: EventRows, row: Row, report: Report) -> None:
    """`row` is what the event should have in the table."""
    if check.is_latest and postgres.newest_seq(event.payment_id) > event.seq:
        return
    expected = check.comparable()(row)
    stored = stored_row(check, check.key_of(row))
    named: dict[str, Any] = {
        "table": check.name,
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
    positions = check.positions
    if check.is_latest:
        version = stored[positions["version"]]
        return Kind.STALE if (version or 0) < expected[positions["version"]] else Kind.DIFFERENT
    if "body" in positions:
        body, claimed = stored[positions["body"]], stored[positions["body_sha256"]]
        if sha256((body or "").encode()).digest() != claimed:
            return Kind.HASH_BROKEN
    # In comparable form, pairs of account and minor units.
    postings = stored[positions["postings"]] if "postings" in positions else None
    return Kind.UNBALANCED if sum(amount for _, amount in postings or ()) else Kind.DIFFERENT


def _add_stranger(check: Check, scope: Scope, key: Row, report: Report) -> None:
    """A row whose key was not expected in its block: of an event elsewhere in the books, or of none at all."""
    names = dict(zip(check.table.key, key, strict=True))
    payment_id = UUID(int=names["payment_id"])
    comparable = check.comparable()
    for event in _possible_events(check, payment_id, names.get("seq")):
        row = check.expected(event)
        if row is not None and check.key_of(comparable(row)) == key:
            # The right row with wrong values in the columns that say where it belongs; or newer than the watermark.
            if event.write_timestamp_us < scope.watermark_ms * 1000:
                _add_unless_equal(check, event, row, report)
            return
    report.add(
        Difference(
            kind=Kind.EXTRA,
            table=check.name,
            payment_id=payment_id,
            seq=names.get("seq"),
            detail=", ".join(f"{column}={_shown(column, value)}" for column, value in names.items()),
        )
    )


def _possible_events(check: Check, payment_id: UUID, seq: int | None) -> Iterator[EventRows]:
    """The events that may have written a row of this payment."""
    if check.is_latest:
        return history.events_with_keys([(payment_id, postgres.newest_seq(payment_id))])
    if seq is None:
        return history.events(history.Selection(payment_id=payment_id))
    return history.events_with_keys([(payment_id, seq)])


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
