"""How well the stores agreed on each day of a report, as far as that has been looked at: verifications and seals."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from payments_ledger import models, session
from payments_ledger.errors import LedgerUnavailable
from payments_ledger.models import Verification
from payments_ledger.tables import EVENTS_BY_DAY, PAYMENT_EVENTS

# A day's newest verification is among the newest of all; older ones say little of today's stores.
VERIFICATIONS_READ_MAX = 500

_SEALS = "SELECT matched, event_count, seal_no, seal_version FROM ledger_seals WHERE booking_day = ?"


class Verdict(StrEnum):
    """What is known of a day."""

    SEALED = "sealed"  # closed with equal digests, and nothing has differed since
    AGREES = "agrees"  # the newest verification found nothing
    DIFFERS = "differs"  # the newest verification, or the seal where there is none, found a difference
    UNKNOWN = "not looked at"


@dataclass(frozen=True, slots=True)
class DayAgreement:
    """`events` counts what the day's seal closed, `verified_at` is the watermark of its newest verification."""

    day: date
    verdict: Verdict
    seal_no: int | None = None
    events: int | None = None
    verified_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Agreement:
    """`problem` says what could not be read: without the seals a day is judged by its verifications alone."""

    days: Sequence[DayAgreement] = ()
    problem: str = ""

    def count(self, verdict: Verdict) -> int:
        return sum(1 for day in self.days if day.verdict is verdict)


@dataclass(frozen=True, slots=True)
class Seal:
    """A closed day: every block of its newest seal together."""

    number: int
    events: int
    is_matched: bool


def read(*, first_day: date, last_day: date) -> Agreement:
    """Every day from first to last. A Cassandra that cannot be read is a problem named, not an error."""
    verifications = list(_verifications(first_day, last_day))
    days = [first_day + timedelta(days=number) for number in range((last_day - first_day).days + 1)]
    seals: dict[date, Seal] = {}
    problem = ""
    try:
        seals = {day: seal for day in days if (seal := _seal(day))}
    except LedgerUnavailable as error:
        problem = f"The seals cannot be read, Cassandra cannot be reached: {error.detail}"
    return Agreement(days=[judged(day, verifications, seals.get(day)) for day in days], problem=problem)


def judged(day: date, verifications: Sequence[Verification], seal: Seal | None) -> DayAgreement:
    """What is known of one day; `verifications` come newest first."""
    newest = next((one for one in verifications if _covers(one, day)), None)
    if newest is not None and differs_on(newest, day):
        verdict = Verdict.DIFFERS
    elif seal is not None and (seal.is_matched or newest is not None):
        verdict = Verdict.SEALED if seal.is_matched else Verdict.AGREES
    elif seal is not None:
        verdict = Verdict.DIFFERS
    else:
        verdict = Verdict.AGREES if newest is not None else Verdict.UNKNOWN
    return DayAgreement(
        day=day,
        verdict=verdict,
        seal_no=seal.number if seal else None,
        events=seal.events if seal else None,
        verified_at=newest.watermark if newest else None,
    )


def differs_on(verification: Verification, day: date) -> bool:
    """Whether it found a difference on this day, or one that it could not name a day for."""
    if verification.verdict != models.Verdict.DIFFER:
        return False
    named = [difference["booking_day"] for difference in verification.differences]
    return str(day) in named or None in named or sum(verification.counts.values()) > len(named)


def _covers(verification: Verification, day: date) -> bool:
    """Whether it compared all of this day's events: below its watermark, and not left out for an open import."""
    if (verification.first_day and day < verification.first_day) or (
        verification.last_day and day > verification.last_day
    ):
        return False
    if verification.watermark is None or day > verification.watermark.date():
        return False
    return not any(skipped["first_day"] <= str(day) <= skipped["last_day"] for skipped in verification.skipped)


def _verifications(first_day: date, last_day: date) -> Iterator[Verification]:
    """Those with a verdict that compared both tables of events, newest first."""
    for one in (
        Verification.objects.exclude(verdict=models.Verdict.NONE)
        .exclude(first_day__gt=last_day)
        .exclude(last_day__lt=first_day)
        .order_by("-finished_at")[:VERIFICATIONS_READ_MAX]
    ):
        if {PAYMENT_EVENTS.name, EVENTS_BY_DAY.name} <= set(one.tables):
            yield one


def _seal(day: date) -> Seal | None:
    blocks = session.lookup(_SEALS, [day])
    if not blocks:
        return None
    newest = max(block["seal_version"] for block in blocks)
    current = [block for block in blocks if block["seal_version"] == newest]
    return Seal(
        number=max(block["seal_no"] for block in current),
        events=sum(block["event_count"] for block in current),
        is_matched=all(block["matched"] for block in current),
    )
