"""A shop with an order file of its own, in which no invoice is another test's."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from core.catalog.models import Product
from tests.unit.imports.order_files import row

# Days of their own: other tests damage the ledger of theirs on purpose.
FIRST_DAY = datetime(2011, 3, 1, 9)


@dataclass
class Shop:
    """Invoices with numbers and stock codes that no other test has."""

    tag: str = field(default_factory=lambda: uuid4().hex[:10])

    def number(self, name: str) -> str:
        return f"{name}-{self.tag}"

    def sku(self, name: str) -> str:
        return f"{name}-{self.tag}"

    def line(
        self, invoice: str, sku: str, quantity: int, price: float, *, day: int = 0, customer: float | None = None
    ) -> dict[str, Any]:
        changes = {
            "StockCode": self.sku(sku), "Quantity": quantity, "Price": price, "Customer ID": customer,
            "InvoiceDate": (FIRST_DAY + timedelta(days=day)).isoformat(sep=" "),
        }  # fmt: skip
        return row(self.number(invoice), **changes)

    def stock(self, sku: str) -> int:
        return Product.objects.get(sku=self.sku(sku)).stock


def one_of_each(shop: Shop) -> list[dict[str, Any]]:
    """A sale in two pieces with a repeated code, a write-off, a credit, an adjustment and a bad debt.

    The adjustment's number has a backslash, which must not be read as an escape on its way into the database.
    """
    return [
        shop.line("5", "ball", 10, 1.005, customer=17.0),
        shop.line("6", "ball", -4, 0.0, day=1),
        shop.line("5", "ball", 2, 2.50, customer=17.0),
        shop.line("5", "Ball", 1, 0.001, customer=17.0),
        shop.line("C7", "ball", -3, 1.0, day=2),
        shop.line(r"C\t8", "fee", 1, 0.30, day=2),
        shop.line("A9", "debt", 1, -40.0, day=3),
    ]


def many(shop: Shop) -> list[dict[str, Any]]:
    return [
        shop.line(str(number), f"code{number % 7}", 1 + number % 5, 1.25, day=number // 200)
        for number in range(700)
        for _ in range(2)
    ]
