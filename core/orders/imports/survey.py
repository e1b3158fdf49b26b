"""Looks at every invoice before anything is written: what it becomes, what is there already, what it needs."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import islice

from core.orders.imports.catalogue_plan import CataloguePlan
from core.orders.imports.errors import BadRow
from core.orders.imports.invoices import Invoice, build_invoice
from core.orders.imports.rejects import Rejects
from core.orders.imports.rows import Line
from core.orders.imports.spool import Spool, Verdict
from core.orders.imports.tally import Tally

INVOICES_PER_LOOK = 1_000

KnownTotals = Callable[[Sequence[Invoice]], Mapping[str, int]]


@dataclass(slots=True)
class Survey:
    """What the file holds. `tally` covers every invoice that can be booked, `plan` only those not booked before.

    `booking_days` are the days on which the new ones have payments.
    """

    tally: Tally
    plan: CataloguePlan = field(default_factory=CataloguePlan)
    new_invoices: int = 0
    new_payments: int = 0
    conflicts: int = 0
    first_day: date | None = None
    last_day: date | None = None
    booking_days: set[date] = field(default_factory=set)

    def add(self, invoice: Invoice, *, is_new: bool) -> None:
        self.tally.add(invoice)
        day = invoice.occurred_at.date()
        self.first_day = min(self.first_day or day, day)
        self.last_day = max(self.last_day or day, day)
        if is_new:
            self.plan.add(invoice)
            self.new_invoices += 1
            if invoice.payment_rule is not None:
                self.new_payments += 1
                self.booking_days.add(day)


def take_survey(
    *,
    spool: Spool,
    rejects: Rejects,
    currency: str,
    known_totals: KnownTotals,
    advance: Callable[[int], None] = lambda invoices: None,
) -> Survey:
    """Decide about every invoice in the spool and write its verdict there; what cannot be booked goes to the rejects.

    `known_totals` gives, of the invoices asked for, the numbers of those booked before, with their totals. One
    booked before with another total is a conflict: it stays as it is booked, and is rejected.
    """
    survey = Survey(tally=Tally(currency=currency))
    refused: list[tuple[Line, str]] = []
    invoices = _possible(spool, currency, refused)
    while look := list(islice(invoices, INVOICES_PER_LOOK)):
        known = known_totals(look)
        verdicts = []
        for invoice in look:
            booked_minor = known.get(invoice.number)
            if booked_minor is not None and booked_minor != invoice.total_minor:
                survey.conflicts += 1
                refused.append((invoice.lines[0], _conflict(booked_minor, invoice.total_minor)))
                continue
            is_new = booked_minor is None
            survey.add(invoice, is_new=is_new)
            verdicts.append(Verdict(invoice.number, invoice.kind, invoice.total_minor, is_new))
        spool.decide(verdicts)
        advance(len(look))
    _reject(spool, rejects, refused)
    return survey


def _possible(spool: Spool, currency: str, refused: list[tuple[Line, str]]) -> Iterator[Invoice]:
    for lines in spool.invoices():
        try:
            yield build_invoice(lines, currency=currency)
        except BadRow as error:
            refused.append((lines[0], str(error)))


def _conflict(booked_minor: int, total_minor: int) -> str:
    return f"the invoice was booked before with a total of {booked_minor} minor units, not of {total_minor}"


def _reject(spool: Spool, rejects: Rejects, refused: Sequence[tuple[Line, str]]) -> None:
    """List refused invoices by their first row with the reason, and every other row of a held invoice."""
    for first, reason in refused:
        rejects.add_line(first, reason=reason)
        spool.hold(invoice=first.invoice, row=first.row)
    for line, row in spool.held_lines():
        if line.row != row:
            rejects.add_line(line, reason=f"held back with its invoice, because of row {row}")
