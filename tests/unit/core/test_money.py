from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.money import CurrencyMismatch, Money, round_to_minor


@pytest.mark.parametrize(
    ("amount", "minor"),
    [("0.005", 0), ("0.015", 2), ("0.025", 2), ("-0.005", 0), ("-0.015", -2), ("1.2349", 123), ("12.5", 1250)],
)
def test_halves_are_rounded_to_the_even_penny(amount, minor):
    assert round_to_minor(Decimal(amount), "GBP") == minor


def test_yen_have_no_minor_unit():
    assert round_to_minor(Decimal("12.5"), "JPY") == 12


def test_currencies_do_not_mix():
    with pytest.raises(CurrencyMismatch, match="GBP with EUR"):
        Money(1, "GBP") + Money(1, "EUR")


def test_an_unknown_currency_is_named_with_those_that_are_known():
    with pytest.raises(ValueError, match="'XXX' is not one of BRL, EUR, GBP"):
        Money(1, "XXX")


@given(st.integers(), st.integers(), st.integers(0, 1000))
def test_addition_and_multiplication_agree(first, second, times):
    total = (Money(first, "GBP") + Money(second, "GBP")).times(times)

    assert total == Money(first, "GBP").times(times) + Money(second, "GBP").times(times)
    assert total - total == Money(0, "GBP")
