"""Invoices and what becomes of them: THE table of the import. Pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID, uuid5

from core.ids import IMPORT_NAMESPACE
from core.money import EXPONENTS, round_to_minor
from core.orders.imports.errors import BadRow
from core.orders.imports.rows import Line
from core.payments.domain.accounts import ADJUSTMENTS, BAD_DEBT, IMPORTED_CLEARING, REFUNDS, REVENUE, Postings, move
from core.payments.domain.payment_state import EventType, PaymentType


class Kind(StrEnum):
    """What an invoice becomes."""

    SALE = "sale"  # a paid order and a captured payment
    FREE = "stock only"  # a stock movement, because no money moved
    CREDIT = "credit"  # an unreferenced credit: the data names no original
    ADJUSTMENT = "adjustment"  # a cancellation that adds money
    BAD_DEBT = "bad debt"  # an adjustment against bad debt


# Well inside bigint, and inside what a JSON reader keeps exact (2**53 - 1).
AMOUNT_MINOR_MAX = 9_000_000_000_000_000


@dataclass(frozen=True, slots=True)
class PaymentRule:
    """The payment of a kind of invoice: positive amounts debit imported_clearing and credit `counter_account`."""

    payment_type: PaymentType
    event_type: EventType
    counter_account: str

    def postings(self, amount_minor: int) -> Postings:
        return move(amount_minor, debit=IMPORTED_CLEARING, credit=self.counter_account)


PAYMENT_RULES: dict[Kind, PaymentRule] = {
    Kind.SALE: PaymentRule(PaymentType.IMPORTED, EventType.CAPTURED, REVENUE),
    Kind.CREDIT: PaymentRule(PaymentType.CREDIT, EventType.CREDIT_POSTED, REFUNDS),
    Kind.ADJUSTMENT: PaymentRule(PaymentType.ADJUSTMENT, EventType.ADJUSTMENT_POSTED, ADJUSTMENTS),
    Kind.BAD_DEBT: PaymentRule(PaymentType.ADJUSTMENT, EventType.ADJUSTMENT_POSTED, BAD_DEBT),
}


@dataclass(frozen=True, slots=True)
class Invoice:
    """All lines of one invoice number, in the file's order, wherever in the file they stood."""

    number: str
    lines: Sequence[Line]
    currency: str
    kind: Kind
    total_minor: int
    exact_total: Decimal
    """In major units, before the lines were rounded."""
    occurred_at: datetime
    """The earliest of the lines' timestamps."""
    customer: str
    country: str

    @property
    def payment_rule(self) -> PaymentRule | None:
        return PAYMENT_RULES.get(self.kind)

    def stock_change(self) -> dict[str, int]:
        """Pieces that come (positive) or go (negative), by stock code; codes that end up unchanged are left out."""
        pieces: Counter[str] = Counter()
        for line in self.lines:
            pieces[line.sku] -= line.quantity
        return {sku: change for sku, change in pieces.items() if change}


def build_invoice(lines: Sequence[Line], *, currency: str) -> Invoice:
    """Add up and classify the lines of one invoice. Raises BadRow when they do not make one."""
    first = lines[0]
    customers = {line.customer for line in lines} - {""}
    if len(customers) > 1:
        raise BadRow(f"the invoice's lines name different customers: {', '.join(sorted(customers))}")
    amounts = [line_amount_minor(line, currency) for line in lines]
    total_minor = sum(amounts)
    if max(map(abs, amounts)) > AMOUNT_MINOR_MAX or abs(total_minor) > AMOUNT_MINOR_MAX:
        raise BadRow(f"the invoice comes to more than {AMOUNT_MINOR_MAX} minor units")
    return Invoice(
        number=first.invoice,
        lines=lines,
        currency=currency,
        kind=kind_of(first.invoice, total_minor),
        total_minor=total_minor,
        exact_total=sum((line.price * line.quantity for line in lines), Decimal(0)),
        occurred_at=min(line.occurred_at for line in lines),
        customer=customers.pop() if customers else "",
        country=first.country,
    )


def kind_of(number: str, total_minor: int) -> Kind:
    """Read from the number's first letter and the sign of the total. Raises BadRow for what is none of these."""
    letter = number[0].upper()
    if total_minor == 0:
        return Kind.FREE
    if letter == "A":
        return Kind.BAD_DEBT
    if letter == "C":
        return Kind.CREDIT if total_minor < 0 else Kind.ADJUSTMENT
    if total_minor < 0:
        raise BadRow("the invoice's total is negative, but its number does not begin with C or A")
    return Kind.SALE


def line_amount_minor(line: Line, currency: str) -> int:
    """Price times quantity, rounded half-even once, for the whole line."""
    return round_to_minor(line.price * line.quantity, currency)


def rounding_difference(exact_total: Decimal, total_minor: int, currency: str) -> Decimal:
    """What rounding the lines took away (positive) or added, in major units."""
    return exact_total - Decimal(total_minor).scaleb(-EXPONENTS[currency])


def order_id(number: str) -> UUID:
    return uuid5(IMPORT_NAMESPACE, f"order:{number}")


def line_id(number: str, ordinal: int) -> UUID:
    """By ordinal, because the same stock code may stand on several lines of one invoice."""
    return uuid5(IMPORT_NAMESPACE, f"line:{number}:{ordinal}")


def payment_id(number: str) -> UUID:
    return uuid5(IMPORT_NAMESPACE, f"payment:{number}")


def movement_id(number: str, sku: str) -> UUID:
    return uuid5(IMPORT_NAMESPACE, f"movement:{number}:{sku}")


def user_id(customer: str, country: str) -> UUID:
    """A customer's id; without a customer, that of the one guest of the country."""
    return uuid5(IMPORT_NAMESPACE, f"customer:{customer}" if customer else f"guest:{country}")


def product_id(sku: str) -> UUID:
    return uuid5(IMPORT_NAMESPACE, f"product:{sku}")
