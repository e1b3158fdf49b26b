"""What an invoice becomes: the table of the import, and its arithmetic."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.orders.imports import invoices
from core.orders.imports.errors import BadRow
from core.orders.imports.invoices import PAYMENT_RULES, Kind, build_invoice, line_amount_minor, rounding_difference
from core.orders.imports.rows import Line

WHEN = datetime(2010, 2, 1, 8, tzinfo=UTC)


def line(number: str = "489434", quantity: int = 1, price: str = "1.00", **changes: Any) -> Line:
    fields = {"row": 1, "sku": "85048", "description": "", "occurred_at": WHEN, "customer": "", "country": "France"}
    return Line(invoice=number, quantity=quantity, price=Decimal(price), **(fields | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("number", "quantity", "price", "kind", "payment_type", "postings"),
    [
        ("489434", 2, "1.50", Kind.SALE, "imported", {"imported_clearing": 300, "revenue": -300}),
        ("C489449", -2, "1.50", Kind.CREDIT, "credit", {"imported_clearing": -300, "refunds": 300}),
        ("C496350", 1, "373.57", Kind.ADJUSTMENT, "adjustment", {"imported_clearing": 37357, "adjustments": -37357}),
        ("A506401", 1, "-53594.36", Kind.BAD_DEBT, "adjustment", {"imported_clearing": -5359436, "bad_debt": 5359436}),
        ("A563185", 1, "11062.06", Kind.BAD_DEBT, "adjustment", {"imported_clearing": 1106206, "bad_debt": -1106206}),
    ],
)
def test_number_and_sign_decide_what_it_becomes(
    number: str, quantity: int, price: str, kind: Kind, payment_type: str, postings: dict[str, int]
) -> None:
    invoice = build_invoice([line(number, quantity, price)], currency="GBP")

    assert invoice.kind is kind
    assert invoice.payment_rule is not None
    assert invoice.payment_rule.payment_type == payment_type
    assert invoice.payment_rule.postings(invoice.total_minor) == postings


@pytest.mark.parametrize("number", ["489434", "C489449", "A1"])
def test_nothing_to_pay_moves_stock_only(number: str) -> None:
    invoice = build_invoice([line(number, -50, "0.00")], currency="GBP")

    assert (invoice.kind, invoice.payment_rule) == (Kind.FREE, None)
    assert invoice.stock_change() == {"85048": 50}


def test_plain_invoice_that_owes_us_a_refund_is_refused() -> None:
    with pytest.raises(BadRow, match="negative"):
        build_invoice([line("489434", -1, "1.00")], currency="GBP")


def test_lines_of_different_customers_are_refused_and_a_missing_one_is_not() -> None:
    with pytest.raises(BadRow, match="13, 14"):
        build_invoice([line(customer="14"), line(customer="13")], currency="GBP")

    assert build_invoice([line(customer=""), line(customer="13")], currency="GBP").customer == "13"


def test_earliest_timestamp_counts() -> None:
    later = WHEN.replace(minute=1)

    assert build_invoice([line(occurred_at=later), line(occurred_at=WHEN)], currency="GBP").occurred_at == WHEN


def test_amount_beyond_the_books_is_refused() -> None:
    with pytest.raises(BadRow, match="minor units"):
        build_invoice([line(quantity=10**9, price="999999999")], currency="GBP")


@pytest.mark.parametrize(
    ("quantity", "price", "amount_minor"),
    [(1, "0.005", 0), (1, "0.015", 2), (1, "0.025", 2), (-1, "0.015", -2), (5, "0.001", 0), (12, "6.95", 8340)],
)
def test_line_is_rounded_once_half_to_even(quantity: int, price: str, amount_minor: int) -> None:
    assert line_amount_minor(line(quantity=quantity, price=price), "GBP") == amount_minor


def test_rounding_difference_is_exact_less_rounded() -> None:
    invoice = build_invoice([line(price="0.005"), line(price="0.019"), line(price="1.00")], currency="GBP")

    assert (invoice.exact_total, invoice.total_minor) == (Decimal("1.024"), 102)
    assert rounding_difference(invoice.exact_total, invoice.total_minor, "GBP") == Decimal("0.004")


def test_stock_change_adds_up_repeated_codes_and_leaves_out_what_cancels() -> None:
    lines = [line(quantity=3), line(quantity=2), line(sku="B", quantity=1), line(sku="B", quantity=-1)]

    assert build_invoice(lines, currency="GBP").stock_change() == {"85048": -5}


def test_ids_are_frozen_for_ever() -> None:
    assert invoices.order_id("489434") == UUID("6eb5d348-4d1f-559b-a930-f86bc33af85e")
    assert invoices.line_id("489434", 1) != invoices.line_id("489434", 2)
    assert invoices.user_id("", "France") != invoices.user_id("France", "")
    assert invoices.user_id("13085", "France") == invoices.user_id("13085", "Spain")
    assert invoices.product_id("15056bl") != invoices.product_id("15056BL")


@given(
    number=st.sampled_from(["489434", "C1", "A1"]),
    amounts=st.lists(st.tuples(st.integers(-500, 500), st.decimals(-50, 50, places=3)), min_size=1, max_size=20),
)
def test_every_invoice_is_refused_or_books_its_rounded_total_in_balance(
    number: str, amounts: list[tuple[int, Decimal]]
) -> None:
    lines = [line(number, quantity, str(price)) for quantity, price in amounts]
    try:
        invoice = build_invoice(lines, currency="GBP")
    except BadRow:
        assert number == "489434"
        return

    assert invoice.total_minor == sum(line_amount_minor(each, "GBP") for each in lines)
    assert abs(rounding_difference(invoice.exact_total, invoice.total_minor, "GBP")) <= Decimal("0.005") * len(lines)
    rule = invoice.payment_rule
    assert (rule is None) == (invoice.total_minor == 0)
    if rule is not None:
        postings = rule.postings(invoice.total_minor)
        assert sum(postings.values()) == 0
        assert postings["imported_clearing"] == invoice.total_minor
    assert set(PAYMENT_RULES) == set(Kind) - {Kind.FREE}
