"""Money as integer minor units with its currency; arithmetic across currencies is refused."""

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal


class CurrencyMismatch(ValueError):
    """Two amounts of different currencies were combined; convert one explicitly first."""


# ISO 4217 currencies whose minor unit is not a hundredth. Others are refused until they are listed.
EXPONENTS = {"GBP": 2, "EUR": 2, "USD": 2, "BRL": 2, "JPY": 0}


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """An amount in minor units (pence, cents) and its ISO 4217 currency."""

    amount_minor: int
    currency: str

    def __post_init__(self) -> None:
        if self.currency not in EXPONENTS:
            raise ValueError(f"currency {self.currency!r} is not one of {', '.join(sorted(EXPONENTS))}")

    def __add__(self, other: "Money") -> "Money":
        return Money(self.amount_minor + self._same(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.amount_minor - self._same(other), self.currency)

    def times(self, quantity: int) -> "Money":
        return Money(self.amount_minor * quantity, self.currency)

    def _same(self, other: "Money") -> int:
        if other.currency != self.currency:
            raise CurrencyMismatch(f"cannot combine {self.currency} with {other.currency}")
        return other.amount_minor


def round_to_minor(amount: Decimal, currency: str) -> int:
    """Major units to minor units, rounded half to even (banker's rounding, IEEE 754)."""
    scaled = amount.scaleb(EXPONENTS[currency])
    return int(scaled.quantize(Decimal(1), rounding=ROUND_HALF_EVEN))
