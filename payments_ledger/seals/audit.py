"""The chain of seals recomputed from each of its three copies, and every place where they do not say the same.

Cassandra's rows, PostgreSQL's row and the published file's line each give a seal. Two that agree outvote the third;
what they agree on must also chain: numbers without a gap, each `prev_seal` the hash before.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256

from core.payments.models import SealedDay
from payments_ledger.rows import Row
from payments_ledger.seals import published, recording
from payments_ledger.seals.findings import Audit, Fault, Finding, Place
from payments_ledger.seals.lock import alone
from payments_ledger.seals.seal import FIRST_PREV_SEAL, Seal, seal_of
from payments_ledger.tables import LEDGER_SEALS

SHOWN_CHARACTERS_MAX = 300


def audit_chain() -> Audit:
    """Recompute and compare every seal. Changes nothing; in memory are one seal and the file.

    Raises SealingBusy while days are being sealed, LedgerUnavailable, OSError.
    """
    with alone():
        return _audit()


def _audit() -> Audit:
    walk = _Walk(*_lines_by_number())
    for held in SealedDay.objects.order_by("seal_no").iterator(chunk_size=20):
        walk.visit(held)
    walk.look_beyond()
    return Audit(walk.seals, walk.head, tuple(sorted(walk.findings, key=lambda finding: finding.seal_no)))


@dataclass(slots=True)
class _Walk:
    """The state of one audit: what is still to be explained, and where the chain stands."""

    lines: dict[int, bytes]
    findings: list[Finding]
    days: set[date] = field(default_factory=recording.days)
    seals: int = 0
    number: int = 0
    head: bytes = b""
    # The hash that the next seal must name; None where the seal before it is gone.
    before: bytes | None = FIRST_PREV_SEAL

    def visit(self, held: SealedDay) -> None:
        """Compare the copies of one seal that PostgreSQL has."""
        for gone in range(self.number + 1, held.seal_no):
            self._add(Place.POSTGRESQL, Fault.MISSING, gone, None, f"the next one is number {held.seal_no}")
            self.before = None
        self.days.discard(held.booking_day)
        copies = _Copies(held, recording.stored_rows(held.booking_day), self.lines.pop(held.seal_no, None))
        self.findings += copies.findings(self.before)
        accepted = copies.accepted()
        self.before = accepted.hash() if accepted else None
        self.seals, self.number, self.head = self.seals + 1, held.seal_no, bytes(held.seal_hash)

    def look_beyond(self) -> None:
        """What Cassandra and the file have of seals that PostgreSQL has not."""
        for day in sorted(self.days):
            seal = recording.seal_from(recording.stored_rows(day))
            if seal is not None and self.lines.get(seal.seal_no) == seal.line():
                del self.lines[seal.seal_no]
                if seal.seal_no > self.number:
                    self._add(Place.POSTGRESQL, Fault.MISSING, seal.seal_no, day, "Cassandra and the file have it")
            else:
                number = seal.seal_no if seal else 0
                self._add(Place.CASSANDRA, Fault.EXTRA, number, day, "neither PostgreSQL nor the file has this seal")
        for number, line in self.lines.items():
            if number > self.number:
                self._add(Place.FILE, Fault.EXTRA, number, None, f"neither database has it: {_shown(line)}")

    def _add(self, place: Place, fault: Fault, seal_no: int, day: date | None, detail: str) -> None:
        self.findings.append(Finding(place, fault, seal_no, day, detail))


class _Copies:
    """The three copies of one seal."""

    def __init__(self, held: SealedDay, stored: list[Row], line: bytes | None) -> None:
        self.held, self.stored, self.line = held, stored, line
        self.recorded = recording.seal_from(stored)
        self.decided, self.problem = _decided(held)

    def accepted(self) -> Seal | None:
        """The seal that two copies agree on, else PostgreSQL's."""
        if self.recorded is not None and self.line == self.recorded.line():
            return self.recorded
        return self.decided

    def findings(self, before: bytes | None) -> Iterator[Finding]:
        accepted = self.accepted()
        if self.problem:
            yield self._found(Place.POSTGRESQL, Fault.BROKEN, self.problem)
        elif accepted != self.decided:
            yield self._found(Place.POSTGRESQL, Fault.EDITED, f"Cassandra and the file agree on {_hash(accepted)}")
        if self.line is None:
            yield self._found(Place.FILE, Fault.MISSING, f"{published.path()} has no line of it")
        elif accepted is None or self.line != accepted.line():
            yield self._found(Place.FILE, Fault.EDITED, f"its line is {_shown(self.line)}")
        if accepted is not None:
            yield from (self._found(Place.CASSANDRA, *found) for found in _row_findings(accepted, self.stored))
            if before is not None and accepted.prev_seal != before:
                yield self._found(Place.POSTGRESQL, Fault.BROKEN, f"prev_seal is not {before.hex()}, the hash before")

    def _found(self, place: Place, fault: Fault, detail: str) -> Finding:
        return Finding(place, fault, self.held.seal_no, self.held.booking_day, detail)


def _decided(held: SealedDay) -> tuple[Seal | None, str]:
    """PostgreSQL's seal, and how its row contradicts itself."""
    body = bytes(held.body)
    try:
        seal = seal_of(body)
    except ValueError as error:
        return None, str(error)
    if sha256(body).digest() != bytes(held.seal_hash):
        return seal, f"the body's hash is {seal.hash().hex()}, the row says {bytes(held.seal_hash).hex()}"
    columns = held.seal_no, held.booking_day, bytes(held.prev_hash), held.sealed_at
    if columns != (seal.seal_no, seal.booking_day, seal.prev_seal, seal.sealed_at):
        return seal, f"its columns say {columns}, its body says otherwise"
    return seal, ""


def _row_findings(seal: Seal, stored: list[Row]) -> Iterator[tuple[Fault, str]]:
    """How Cassandra's rows differ from the seal's, row by row and column by column."""
    expected = {_key(row): row for row in recording.rows_of(seal)}
    for row in stored:
        wanted = expected.pop(_key(row), None)
        if wanted is None:
            yield Fault.EXTRA, f"row {_key(row)} is not of this seal"
            continue
        for column, want, have in zip(LEDGER_SEALS.columns, wanted, row, strict=True):
            if want != have:
                yield Fault.EDITED, f"row {_key(row)}, {column}: sealed {_value(want)}, found {_value(have)}"
    for key in expected:
        yield Fault.MISSING, f"row {key} is gone"


def _lines_by_number() -> tuple[dict[int, bytes], list[Finding]]:
    """The file's lines by the number they claim, and what is wrong with the file as such."""
    found: dict[int, bytes] = {}
    findings: list[Finding] = []
    whole, torn = published.lines()
    for place, line in enumerate(whole, start=1):
        number = _number_in(line)
        if number is None or number in found:
            what = "is no seal" if number is None else f"repeats number {number}"
            findings.append(Finding(Place.FILE, Fault.BROKEN, place, None, f"line {place} {what}: {_shown(line)}"))
        else:
            found[number] = line
    if torn:
        place = len(whole) + 1
        findings.append(Finding(Place.FILE, Fault.BROKEN, place, None, f"line {place} has no end: {_shown(torn)}"))
    return found, findings


def _number_in(line: bytes) -> int | None:
    try:
        number = json.loads(line)["seal_no"]
    except (ValueError, KeyError, TypeError):
        return None
    return number if type(number) is int else None


def _key(row: Row) -> str:
    """The row's key inside its day: "card/3" and the version."""
    payment_type, bucket, version = row[1:4]
    return f"{payment_type}/{bucket} version {version}"


def _hash(seal: Seal | None) -> str:
    return seal.hash().hex() if seal else "nothing"


def _value(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


def _shown(line: bytes) -> str:
    return line.decode(errors="replace")[:SHOWN_CHARACTERS_MAX]
