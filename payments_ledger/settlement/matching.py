"""Lines of a settlement file and postings of the ledger → matches and breaks. Pure, and the same in any order.

Every line ends in exactly one match or break; every posting in one match, one break, or among those still awaited.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import TypeVar
from uuid import UUID

PostingKey = tuple[UUID, int]
Item = TypeVar("Item")
Group = TypeVar("Group", bound=Hashable)


class Reason(StrEnum):
    """Why something of a settlement is a break."""

    MISSING_IN_LEDGER = "missing_in_ledger"  # the provider settles what the ledger has not
    MISSING_IN_SETTLEMENT = "missing_in_settlement"  # the ledger's posting was not settled in its time
    WITHOUT_REFERENCE = "without_reference"  # the posting has no provider's reference, so that no line can name it
    AMOUNT_DIFFERS = "amount_differs"
    CURRENCY_DIFFERS = "currency_differs"
    DUPLICATE_LINE = "duplicate_line"  # the same movement again, in this file or in one settled before
    DATE_DRIFT = "date_drift"  # amounts agree, days are further apart than the setting allows
    UNREADABLE_LINE = "unreadable_line"  # a line with a value that cannot be what it should be


@dataclass(frozen=True, slots=True, order=True)
class Line:
    """One line of a file. Amounts in minor units, signed as we see them; `payment_id` if the provider repeats ours."""

    number: int
    reference: str
    gross_minor: int
    fee_minor: int
    currency: str
    day: date
    kind: str = ""
    operation_id: str = ""
    payment_id: UUID | None = None

    @property
    def movement(self) -> tuple[Hashable, ...]:
        """What makes two lines the same movement told twice."""
        return self.reference, self.operation_id, self.kind, self.gross_minor, self.fee_minor, self.currency, self.day


@dataclass(frozen=True, slots=True, order=True)
class Posting:
    """What one event posted to the provider's clearing account: positive when the provider owes us more for it."""

    reference: str
    amount_minor: int
    currency: str
    day: date
    payment_id: UUID
    seq: int

    @property
    def key(self) -> PostingKey:
        return self.payment_id, self.seq


@dataclass(frozen=True, slots=True)
class Match:
    """Lines and postings that are the same money."""

    lines: tuple[Line, ...]
    postings: tuple[Posting, ...]


@dataclass(frozen=True, slots=True)
class Break:
    """What does not fit, with its reason; `detail` says the values to a person."""

    reason: Reason
    lines: tuple[Line, ...]
    postings: tuple[Posting, ...]
    detail: str


@dataclass(frozen=True, slots=True)
class Limits:
    """How far apart two sides of one movement may be: amounts in minor units, days in either direction."""

    tolerance_minor: int = 0
    days_max: int = 0


@dataclass(slots=True)
class Outcome:
    matches: list[Match] = field(default_factory=list)
    breaks: list[Break] = field(default_factory=list)
    awaited: list[Posting] = field(default_factory=list)


def match(
    *,
    lines: Iterable[Line],
    postings: Iterable[Posting],
    day: date,
    limits: Limits,
    settled_references: frozenset[str] = frozenset(),
) -> Outcome:
    """Match the file of `day` with postings not settled yet. `settled_references` are those that earlier files settled.

    Movements meet by reference: one to one where amounts agree, else all of a reference together. What is left meets by
    payment, one line with several postings or several lines with one. A posting without a line is a break only when its
    time is over: `days_max` days after it was booked, `day` is reached.
    """
    outcome = Outcome()
    fresh = _without_repeated(sorted(lines), outcome)
    rest_of_lines: list[Line] = []
    rest_of_postings: list[Posting] = []
    by_reference = _grouped(fresh, lambda line: line.reference)
    posted = _grouped(sorted(postings), lambda posting: posting.reference)
    for reference in sorted(by_reference.keys() | posted.keys()):
        of_lines, of_postings = by_reference.get(reference, []), posted.get(reference, [])
        if not reference or not (of_lines and of_postings):
            rest_of_lines += of_lines
            rest_of_postings += of_postings
        else:
            _meet(of_lines, of_postings, limits, outcome)
    rest_of_lines, rest_of_postings = _meet_by_payment(rest_of_lines, rest_of_postings, limits, outcome)
    for line in rest_of_lines:
        outcome.breaks.append(_lone_line(line, settled_references))
    for posting in rest_of_postings:
        _add_lone_posting(posting, day, limits, outcome)
    return outcome


def _without_repeated(lines: Sequence[Line], outcome: Outcome) -> list[Line]:
    seen: dict[Hashable, Line] = {}
    fresh: list[Line] = []
    for line in lines:
        first = seen.setdefault(line.movement, line)
        if first is line:
            fresh.append(line)
        else:
            detail = f"line {line.number} repeats line {first.number}"
            outcome.breaks.append(Break(Reason.DUPLICATE_LINE, (line,), (), detail))
    return fresh


def _meet(lines: Sequence[Line], postings: Sequence[Posting], limits: Limits, outcome: Outcome) -> None:
    """Lines and postings of one reference: pairs of equal amounts first, then all that is left together."""
    waiting = list(postings)
    rest: list[Line] = []
    for line in lines:
        partner = next((posting for posting in waiting if _agree([line], [posting], limits)), None)
        if partner is None:
            rest.append(line)
        else:
            waiting.remove(partner)
            _add_pair([line], [partner], limits, outcome)
    if rest and waiting:
        _add_pair(rest, waiting, limits, outcome)
        return
    for line in rest:
        detail = f"line {line.number} settles {_money([line])} of {line.reference} beyond what is posted"
        outcome.breaks.append(Break(Reason.AMOUNT_DIFFERS, (line,), (), detail))
    for posting in waiting:
        # Its reference is settled, so its line will not come any more.
        detail = f"{posting.amount_minor} {posting.currency} of {posting.reference} are posted beyond what is settled"
        outcome.breaks.append(Break(Reason.AMOUNT_DIFFERS, (), (posting,), detail))


def _meet_by_payment(
    lines: Sequence[Line], postings: Sequence[Posting], limits: Limits, outcome: Outcome
) -> tuple[list[Line], list[Posting]]:
    """One line for several postings of a payment, or several for one; what is left of both."""
    of_payments = _grouped(postings, lambda posting: posting.payment_id)
    left_lines: list[Line] = []
    met: set[PostingKey] = set()
    for payment_id, group in _grouped(lines, lambda line: line.payment_id).items():
        partners = of_payments.get(payment_id, []) if payment_id else []
        is_one_with_several = len(group) != len(partners) and 1 in (len(group), len(partners))
        if is_one_with_several and partners and _agree(group, partners, limits):
            _add_pair(group, partners, limits, outcome)
            met |= {posting.key for posting in partners}
        else:
            left_lines += group
    return sorted(left_lines), [posting for posting in postings if posting.key not in met]


def _agree(lines: Sequence[Line], postings: Sequence[Posting], limits: Limits) -> bool:
    if {line.currency for line in lines} != {posting.currency for posting in postings}:
        return False
    return all(abs(difference) <= limits.tolerance_minor for difference in _differences(lines, postings).values())


def _add_pair(lines: Sequence[Line], postings: Sequence[Posting], limits: Limits, outcome: Outcome) -> None:
    """A match, or the break that says why these are none."""
    settled, booked = _money(lines), _money(postings)
    if {line.currency for line in lines} != {posting.currency for posting in postings}:
        reason, detail = Reason.CURRENCY_DIFFERS, f"settled {settled}, posted {booked}"
    elif not _agree(lines, postings, limits):
        reason, detail = Reason.AMOUNT_DIFFERS, f"settled {settled}, posted {booked}"
    else:
        days = [line.day for line in lines] + [posting.day for posting in postings]
        drift = (max(days) - min(days)).days
        if drift <= limits.days_max:
            outcome.matches.append(Match(tuple(lines), tuple(postings)))
            return
        reason = Reason.DATE_DRIFT
        detail = f"from {min(days)} to {max(days)}: {drift} days apart, {limits.days_max} are allowed"
    outcome.breaks.append(Break(reason, tuple(lines), tuple(postings), detail))


def _lone_line(line: Line, settled_references: frozenset[str]) -> Break:
    if line.reference in settled_references:
        detail = f"line {line.number}: {line.reference} was settled by an earlier file"
        return Break(Reason.DUPLICATE_LINE, (line,), (), detail)
    detail = f"line {line.number} settles {_money([line])} as {line.reference or 'nothing'}, which the ledger has not"
    return Break(Reason.MISSING_IN_LEDGER, (line,), (), detail)


def _add_lone_posting(posting: Posting, day: date, limits: Limits, outcome: Outcome) -> None:
    if posting.day + timedelta(days=limits.days_max) > day:
        outcome.awaited.append(posting)
        return
    reason = Reason.MISSING_IN_SETTLEMENT if posting.reference else Reason.WITHOUT_REFERENCE
    detail = f"{posting.amount_minor} {posting.currency} booked on {posting.day} as {posting.reference or 'nothing'}"
    outcome.breaks.append(Break(reason, (), (posting,), detail))


def _differences(lines: Sequence[Line], postings: Sequence[Posting]) -> dict[str, int]:
    """Currency → settled less posted, in minor units."""
    totals: defaultdict[str, int] = defaultdict(int)
    for line in lines:
        totals[line.currency] += line.gross_minor
    for posting in postings:
        totals[posting.currency] -= posting.amount_minor
    return totals


def _money(items: Sequence[Line] | Sequence[Posting]) -> str:
    totals: defaultdict[str, int] = defaultdict(int)
    for item in items:
        totals[item.currency] += item.gross_minor if isinstance(item, Line) else item.amount_minor
    return " + ".join(f"{amount} {currency}" for currency, amount in sorted(totals.items()))


def _grouped(items: Iterable[Item], key: Callable[[Item], Group]) -> dict[Group, list[Item]]:
    groups: dict[Group, list[Item]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return groups
