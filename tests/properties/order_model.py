"""An order and its checkouts in the shop's model, and what its payments make of its status."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.properties.payment_model import UNDECIDED, Payment


@dataclass
class Checkout:
    payments: list[Payment]
    is_manual: bool
    state: str = "running"
    ends_as: str = "draft"


@dataclass
class Order:
    total: int
    pieces: int
    status: str = "draft"
    payments: list[Payment] = field(default_factory=list)
    checkouts: list[Checkout] = field(default_factory=list)

    @property
    def live(self) -> Checkout | None:
        return next((one for one in self.checkouts if one.state in ("running", "compensating")), None)

    @property
    def committed(self) -> int:
        return sum(one.amount if one.state in UNDECIDED else one.authorized for one in self.payments)

    @property
    def payment_status(self) -> str:
        captured = sum(one.captured for one in self.payments)
        refunded = sum(one.refunded for one in self.payments)
        if refunded:
            return "refunded" if refunded == captured else "partially_refunded"
        if captured == self.total:
            return "paid"
        if any(one.state in UNDECIDED or one.has_open("capture") for one in self.payments):
            return "pending"
        if captured:
            return "partially_paid"
        if sum(one.authorized for one in self.payments) == self.total:
            return "authorized"
        return "failed" if any(one.state == "failed" for one in self.payments) else "unpaid"
