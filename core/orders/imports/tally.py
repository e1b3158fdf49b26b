"""Counts and totals of what was read, by kind of invoice. Pure."""

from dataclasses import dataclass, field
from decimal import Decimal

from core.orders.imports.invoices import PAYMENT_RULES, Invoice, Kind, rounding_difference


@dataclass(slots=True)
class KindTally:
    """Invoices of one kind: how many, and their rounded total in minor units."""

    count: int = 0
    total_minor: int = 0


@dataclass(slots=True)
class Tally:
    """Adds up invoices; what both stores must show afterwards."""

    currency: str
    kinds: dict[Kind, KindTally] = field(default_factory=lambda: {kind: KindTally() for kind in Kind})
    lines: int = 0
    exact_total: Decimal = Decimal(0)

    def add(self, invoice: Invoice) -> None:
        kind = self.kinds[invoice.kind]
        kind.count += 1
        kind.total_minor += invoice.total_minor
        self.lines += len(invoice.lines)
        self.exact_total += invoice.exact_total

    @property
    def invoices(self) -> int:
        return sum(kind.count for kind in self.kinds.values())

    @property
    def payments(self) -> int:
        return sum(self.kinds[kind].count for kind in PAYMENT_RULES)

    @property
    def total_minor(self) -> int:
        return sum(kind.total_minor for kind in self.kinds.values())

    @property
    def rounding(self) -> Decimal:
        """Exact total less rounded total, in major units."""
        return rounding_difference(self.exact_total, self.total_minor, self.currency)
