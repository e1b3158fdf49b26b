"""How well the stores agreed on each day of a report, as far as that has been looked at."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from payments_ledger import session
from payments_ledger.errors import LedgerUnavailable

_SEALS = "SELECT matched, event_count, seal_no, seal_version FROM ledger_seals WHERE booking_day = ?"


class Verdict(StrEnum):
    """What is known of a day."""

    SEALED = "sealed"  # closed, and both stores had the same digests then
    AGREES = "agrees"  # verified since, nothing differed
    DIFFERS = "differs"  # verified or sealed, and something differed
    UNKNOWN = "not looked at"


@dataclass(frozen=True, slots=True)
class DayAgreement:
    """`events` counts what the day's seal closed; None for a day without one."""

    day: date
    verdict: Verdict
    seal_no: int | None = None
    events: int | None = None


@dataclass(frozen=True, slots=True)
class Agreement:
    """`problem` says why nothing could be read; there are no days then."""

    days: Sequence[DayAgreement] = ()
    problem: str = ""

    def count(self, verdict: Verdict) -> int:
        return sum(1 for day in self.days if day.verdict is verdict)


def read(*, first_day: date, last_day: date) -> Agreement:
    """Every day from first to last. A store that cannot be read is a problem named, not an error."""
    days = [first_day + timedelta(days=number) for number in range((last_day - first_day).days + 1)]
    try:
        return Agreement(days=[_sealed(day) for day in days])
    except LedgerUnavailable as error:
        return Agreement(problem=f"Cassandra cannot be reached: {error.detail}")


def _sealed(day: date) -> DayAgreement:
    seals = session.lookup(_SEALS, [day])
    if not seals:
        return DayAgreement(day, Verdict.UNKNOWN)
    newest = max(seal["seal_version"] for seal in seals)
    current = [seal for seal in seals if seal["seal_version"] == newest]
    is_matched = all(seal["matched"] for seal in current)
    return DayAgreement(
        day=day,
        verdict=Verdict.SEALED if is_matched else Verdict.DIFFERS,
        seal_no=max(seal["seal_no"] for seal in current),
        events=sum(seal["event_count"] for seal in current),
    )
