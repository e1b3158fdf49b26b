"""One payment, and what a provider's answers do to it: the rules once more, in plain Python.

With shop_model.py the oracle of tests/integration/orders/test_payment_lifecycle.py. Written from the documents and not
from the code, of which it imports nothing: a rule that is wrong in one of the two shows as a difference between them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

STORED_VALUE = ("voucher", "wallet")
OPEN = ("requested", "submitted", "unknown", "accepted")
UNDECIDED = ("processing", "requires_action", "unknown")
HELD = ("authorized", "partially_captured")
TAKEN = ("partially_captured", "captured")

Says = Literal["succeeded", "other_amount", "declined", "pending", "unknown", "not_found"]


class Refused(Exception):
    """`code` is what a client would be told."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass
class Purse:
    """A wallet or a voucher: what is in it, and how much of that is held."""

    balance: int
    held: int = 0

    @property
    def available(self) -> int:
        return self.balance - self.held


@dataclass(frozen=True)
class Source:
    """An instrument of a checkout; `name` is a voucher's code or a provider's token."""

    method: str
    amount: int
    name: str = ""


@dataclass
class Operation:
    kind: str
    amount: int
    state: str = "requested"
    is_final: bool = False
    attempts: int = 0
    is_told_unknown: bool = False
    attention: str = ""

    @property
    def is_open(self) -> bool:
        return self.state in OPEN


@dataclass
class Dispute:
    name: str
    amount: int
    state: str = "open"


@dataclass
class Payment:
    source: Source
    state: str
    purse: Purse | None
    authorized: int = 0
    captured: int = 0
    refunded: int = 0
    disputed: int = 0
    operations: list[Operation] = field(default_factory=list)
    disputes: list[Dispute] = field(default_factory=list)
    events: list[tuple[str, int]] = field(default_factory=list)

    @property
    def amount(self) -> int:
        return self.source.amount

    def pending(self, kind: str) -> int:
        return sum(operation.amount for operation in self.operations if operation.kind == kind and operation.is_open)

    def has_open(self, *kinds: str) -> bool:
        return any(operation.is_open and operation.kind in kinds for operation in self.operations)

    @property
    def refundable(self) -> int:
        return max(self.captured - self.refunded - self.pending("refund") - self.disputed, 0)

    def book(self, event: str, amount: int) -> None:
        self.events.append((event, amount))


def authorized(payment: Payment, operation: Operation) -> None:
    payment.state, payment.authorized = "authorized", operation.amount
    payment.book("payment.authorized", operation.amount)


def voided(payment: Payment, operation: Operation) -> None:
    payment.authorized -= operation.amount
    if payment.purse is not None:
        payment.purse.held -= operation.amount
    payment.state = "captured" if payment.captured else "canceled"
    payment.book("payment.remainder_released" if payment.captured else "payment.voided", operation.amount)


def refunded(payment: Payment, operation: Operation) -> None:
    payment.refunded += operation.amount
    payment.book("refund.succeeded", operation.amount)
    if payment.purse is not None:
        payment.purse.balance += operation.amount


def declined(payment: Payment, operation: Operation) -> None:
    if operation.kind == "authorize":
        payment.state = "failed"
        payment.book("payment.failed", operation.amount)
        return
    operation.attention = f"{operation.kind}_declined"
    payment.book("refund.failed" if operation.kind == "refund" else f"{operation.kind}.declined", operation.amount)


def leave_unknown(payment: Payment, operation: Operation) -> None:
    if operation.state == "accepted":
        return
    operation.state = "unknown"
    if not operation.is_told_unknown:
        operation.is_told_unknown = True
        payment.book("attempt.unknown", operation.amount)
        if operation.kind == "authorize":
            payment.state = "unknown"


def refuse(condition: bool, code: str) -> None:
    if condition:
        raise Refused(code)


# Account → minor units, for each of an order's events that moves money: debit first, credit second.
def accounts_after(events: Iterable[tuple[str, str, int]], *, clearing: str) -> dict[str, int]:
    """Balances of the accounts after events given as (payment type, event, amount)."""
    funding = {"wallet": "wallet_liability", "voucher": "voucher_liability", "card": clearing, "boleto": clearing}
    balances: dict[str, int] = {}
    for payment_type, event, amount in events:
        source = funding[payment_type]
        sides = {
            "payment.captured": (source, "revenue"),
            "refund.succeeded": ("refunds", source),
            "dispute.opened": ("disputes_reserve", source),
            "dispute.won": (source, "disputes_reserve"),
            "dispute.lost": ("bad_debt", "disputes_reserve"),
        }.get(event)
        if sides:
            balances[sides[0]] = balances.get(sides[0], 0) + amount
            balances[sides[1]] = balances.get(sides[1], 0) - amount
    return {account: balance for account, balance in balances.items() if balance}


def fold(events: Iterable[tuple[str, int]]) -> tuple[int, int, int, int]:
    """Authorized, captured, refunded and disputed, from the events of one payment alone."""
    authorized = captured = refunded = disputed = 0
    for position, (event, amount) in enumerate(events):
        if event == "payment.authorized" or (event == "payment.captured" and position == 0):
            authorized += amount
        if event in ("payment.voided", "payment.remainder_released"):
            authorized -= amount
        captured += amount if event == "payment.captured" else 0
        refunded += amount if event == "refund.succeeded" else 0
        disputed += {"dispute.opened": amount, "dispute.won": -amount}.get(event, 0)
    return authorized, captured, refunded, disputed
