"""What the file as a whole says about products: name, price, and the stock they must have begun with. Pure."""

from dataclasses import dataclass
from datetime import datetime

from core.money import round_to_minor
from core.orders.imports.invoices import Invoice


@dataclass(slots=True)
class ProductPlan:
    """One stock code. The newest priced line names and prices it; `opening_stock` keeps its stock from falling
    below zero while the invoices are booked in their order.
    """

    sku: str
    first_seen: datetime
    name: str = ""
    price_minor: int = 0
    opening_stock: int = 0
    _change: int = 0
    _is_named_by_sale: bool = False

    def move(self, change: int) -> None:
        """Apply one invoice's pieces."""
        self._change += change
        self.opening_stock = max(self.opening_stock, -self._change)

    def describe(self, description: str, price_minor: int) -> None:
        """Take a line's description and price; oddities (no price, a note on a write-off) never replace a sale's."""
        is_sale = price_minor > 0
        if is_sale:
            self.price_minor = price_minor
        if description and (is_sale or not self._is_named_by_sale):
            self.name = description
            self._is_named_by_sale = is_sale


class CataloguePlan:
    """A plan for every stock code of the invoices added, which come in the order in which they will be booked."""

    def __init__(self) -> None:
        self.products: dict[str, ProductPlan] = {}

    def add(self, invoice: Invoice) -> None:
        for line in invoice.lines:
            plan = self.products.get(line.sku)
            if plan is None:
                plan = self.products[line.sku] = ProductPlan(sku=line.sku, first_seen=invoice.occurred_at)
            plan.describe(line.description, round_to_minor(line.price, invoice.currency) if line.quantity > 0 else 0)
        for sku, change in invoice.stock_change().items():
            self.products[sku].move(change)
