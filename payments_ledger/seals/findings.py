"""What an audit of the chain can find, and where."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any


class Place(StrEnum):
    """Where a copy of the chain is."""

    CASSANDRA = "cassandra"
    POSTGRESQL = "postgresql"
    FILE = "file"


class Fault(StrEnum):
    """What is wrong there."""

    MISSING = "missing"  # a seal, a row of it or its line is gone
    EDITED = "edited"  # it says something else than the other two
    EXTRA = "extra"  # the others know of no such seal or row
    BROKEN = "broken"  # it contradicts itself: a hash, a link to the seal before, half a line


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, named to the seal, and to the row and column or the line where that is known."""

    place: Place
    fault: Fault
    seal_no: int
    booking_day: date | None
    detail: str

    def sentence(self) -> str:
        day = f" of {self.booking_day}" if self.booking_day else ""
        return f"{self.place}: seal {self.seal_no}{day} {self.fault}: {self.detail}"

    def as_json(self) -> dict[str, Any]:
        return {
            "place": str(self.place),
            "fault": str(self.fault),
            "seal_no": self.seal_no,
            "booking_day": str(self.booking_day) if self.booking_day else None,
            "detail": self.detail,
        }


@dataclass(frozen=True, slots=True)
class Audit:
    """The findings over `seals` seals of PostgreSQL's copy; `head` is the hash of the newest, empty without any."""

    seals: int
    head: bytes
    findings: tuple[Finding, ...]

    @property
    def agrees(self) -> bool:
        return not self.findings

    def as_json(self) -> dict[str, Any]:
        return {
            "agrees": self.agrees,
            "seals": self.seals,
            "head": self.head.hex(),
            "findings": [finding.as_json() for finding in self.findings],
        }
