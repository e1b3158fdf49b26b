"""Reading a settlement file: strict about every value, and every complaint names line, column and value."""

import csv
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from payments_ledger.errors import SettlementFileUnreadable
from payments_ledger.settlement.matching import Line

COLUMNS = (
    *("provider_ref", "operation_id", "payment_id", "kind", "gross_minor", "fee_minor", "net_minor", "currency"),
    "occurred_at",
)
MINOR_MAX = 2**63 - 1


@dataclass(frozen=True, slots=True)
class UnreadableLine:
    """A line with a value that cannot be what it should be."""

    number: int
    problem: str


@dataclass(slots=True)
class SettlementFile:
    lines: list[Line] = field(default_factory=list)
    unreadable: list[UnreadableLine] = field(default_factory=list)

    def totals(self) -> dict[str, dict[str, int]]:
        """Currency → gross, fee and net in minor units, of the lines that could be read."""
        found: dict[str, dict[str, int]] = {}
        for line in self.lines:
            total = found.setdefault(line.currency, {"gross_minor": 0, "fee_minor": 0, "net_minor": 0})
            total["gross_minor"] += line.gross_minor
            total["fee_minor"] += line.fee_minor
            total["net_minor"] += line.gross_minor - line.fee_minor
        return dict(sorted(found.items()))


class _Bad(Exception):
    """The message names column and value."""


def read(content: bytes) -> SettlementFile:
    """The lines of a file in UTF-8 with the header COLUMNS; lines are counted from 1, the header's.

    Raises SettlementFileUnreadable when it is no such file at all. A line with a bad value does not stop the others.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise SettlementFileUnreadable(f"line {line}: byte {content[error.start]:#04x} is not UTF-8") from error
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    found = SettlementFile()
    try:
        header = next(rows, [])
        if tuple(header) != COLUMNS:
            raise SettlementFileUnreadable(f"line 1: the header must be {','.join(COLUMNS)}, not {','.join(header)!r}")
        for row in rows:
            if row:
                _add(rows.line_num, row, found)
    except csv.Error as error:
        raise SettlementFileUnreadable(f"line {rows.line_num}: {error}") from error
    return found


def _add(number: int, row: list[str], found: SettlementFile) -> None:
    if len(row) != len(COLUMNS):
        found.unreadable.append(UnreadableLine(number, f"{len(row)} values where {len(COLUMNS)} are expected"))
        return
    values = dict(zip(COLUMNS, row, strict=True))
    try:
        found.lines.append(_line(number, values))
    except _Bad as problem:
        found.unreadable.append(UnreadableLine(number, str(problem)))


def _line(number: int, values: Mapping[str, str]) -> Line:
    gross, fee, net = (_read(values, name, _minor) for name in ("gross_minor", "fee_minor", "net_minor"))
    if net != gross - fee:
        raise _Bad(f"net_minor {net} is not gross_minor {gross} less fee_minor {fee}")
    return Line(
        number=number,
        reference=_read(values, "provider_ref", _text),
        gross_minor=gross,
        fee_minor=fee,
        currency=_read(values, "currency", _currency),
        day=_read(values, "occurred_at", _moment).date(),
        kind=values["kind"],
        operation_id=values["operation_id"],
        payment_id=_read(values, "payment_id", _uuid_or_none),
    )


def _read(values: Mapping[str, str], name: str, reader: Callable[[str], Any]) -> Any:
    try:
        return reader(values[name])
    except ValueError:
        raise _Bad(f"{name} {values[name]!r} is not {_EXPECTED[reader]}") from None


def _minor(text: str) -> int:
    if not text.removeprefix("-").isascii() or not text.removeprefix("-").isdigit() or abs(int(text)) > MINOR_MAX:
        raise ValueError
    return int(text)


def _text(text: str) -> str:
    if not text.strip() or len(text) > 128 or "\0" in text:
        raise ValueError
    return text


def _currency(text: str) -> str:
    if len(text) != 3 or not text.isascii() or not text.isupper():
        raise ValueError
    return text


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError
    return moment.astimezone(UTC)


def _uuid_or_none(text: str) -> UUID | None:
    return UUID(text) if text else None


_EXPECTED: dict[Callable[[str], Any], str] = {
    _minor: "a whole number of minor units",
    _text: "a reference of 1 to 128 characters",
    _currency: "a currency of three capital letters",
    _moment: "a time with its zone",
    _uuid_or_none: "a payment's id or nothing",
}
