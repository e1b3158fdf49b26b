"""One row: what is read from its cells, and why a bad one is refused."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from core.orders.imports.errors import BadRow
from core.orders.imports.rows import Line, parse_row
from tests.unit.imports.order_files import HEADER, LATEST, row


def parsed(day_first: bool = False, **changes: Any) -> Line:
    cells = row(**changes)
    return parse_row([cells[name] for name in HEADER], row=7, latest=LATEST, day_first=day_first)


def test_good_row_is_read_whole() -> None:
    assert parsed() == Line(
        row=7,
        invoice="1",
        sku="85048",
        description="GLASS BALL",
        quantity=2,
        price=Decimal("1.5"),
        occurred_at=datetime(2010, 2, 1, 8, tzinfo=UTC),
        customer="13085",
        country="France",
    )


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("2010-12-01 08:26:00", datetime(2010, 12, 1, 8, 26, tzinfo=UTC)),
        ("2010-12-01T08:26:00Z", datetime(2010, 12, 1, 8, 26, tzinfo=UTC)),
        ("2010-12-01T08:26:00+02:00", datetime(2010, 12, 1, 6, 26, tzinfo=UTC)),
        ("12/1/2010 8:26", datetime(2010, 12, 1, 8, 26, tzinfo=UTC)),
        ("2010-12-01", datetime(2010, 12, 1, tzinfo=UTC)),
        (datetime(2010, 12, 1, 8, 26), datetime(2010, 12, 1, 8, 26, tzinfo=UTC)),
        (
            datetime(2010, 12, 1, 8, 26, tzinfo=timezone(timedelta(hours=-5))),
            datetime(2010, 12, 1, 13, 26, tzinfo=UTC),
        ),
        (date(2010, 12, 1), datetime(2010, 12, 1, tzinfo=UTC)),
    ],
)
def test_date_may_be_text_or_timestamp_and_is_utc(cell: Any, expected: datetime) -> None:
    assert parsed(InvoiceDate=cell).occurred_at == expected


def test_slashed_date_is_month_first_unless_told_otherwise() -> None:
    assert parsed(InvoiceDate="3/4/2010 9:00").occurred_at.month == 3
    assert parsed(InvoiceDate="3/4/2010 9:00", day_first=True).occurred_at.month == 4


@pytest.mark.parametrize(
    ("cell", "expected"),
    [(13085.0, "13085"), (13085, "13085"), ("13085.0", "13085"), (" K-7 ", "K-7"), ("007", "007")]
    + [(missing, "") for missing in (None, "", "  ", float("nan"), "nan", "NULL")],
)
def test_customer_is_text_whatever_type_the_column_has(cell: Any, expected: str) -> None:
    assert parsed(**{"Customer ID": cell}).customer == expected


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (6.95, "6.95"),
        (0.001, "0.001"),
        ("6.950", "6.950"),
        (-53594.36, "-53594.36"),
        (3, "3"),
        (Decimal("1.10"), "1.10"),
    ],
)
def test_price_is_the_number_that_was_written(cell: Any, expected: str) -> None:
    assert parsed(Price=cell).price == Decimal(expected)


def test_stock_codes_keep_case_and_blanks() -> None:
    assert [parsed(StockCode=code).sku for code in ("15056bl", "15056BL", "47503J ")] == [
        "15056bl",
        "15056BL",
        "47503J ",
    ]


def test_missing_description_and_country_are_no_reason_to_refuse() -> None:
    line = parsed(Description=None, Country=None)

    assert (line.description, line.country) == ("", "Unspecified")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"Invoice": None}, "Invoice is empty"),
        ({"Invoice": " "}, "Invoice is empty"),
        ({"Invoice": "9" * 65}, "Invoice is longer than 64"),
        ({"Invoice": "1\0"}, "cannot be printed"),
        ({"StockCode": ""}, "StockCode is empty"),
        ({"Quantity": None}, "Quantity None"),
        ({"Quantity": "two"}, "Quantity 'two'"),
        ({"Quantity": 1.5}, "Quantity 1.5"),
        ({"Quantity": float("inf")}, "Quantity inf"),
        ({"Quantity": 10**12}, "Quantity 1000000000000"),
        ({"Quantity": True}, "Quantity True"),
        ({"Price": None}, "Price ''"),
        ({"Price": "free"}, "Price 'free'"),
        ({"Price": "NaN"}, "Price 'NaN'"),
        ({"Price": "1e30"}, "Price '1e30'"),
        ({"InvoiceDate": None}, "InvoiceDate ''"),
        ({"InvoiceDate": "yesterday"}, "InvoiceDate 'yesterday'"),
        ({"InvoiceDate": "13/13/2010 8:00"}, "InvoiceDate '13/13/2010 8:00'"),
        ({"InvoiceDate": "1969-12-31 23:59:59"}, "is before 1970"),
        ({"InvoiceDate": "2031-01-01 00:00:00"}, "in the future"),
        ({"Country": "x" * 65}, "Country is longer"),
        ({"StockCode": ["a"]}, "neither text nor a number"),
    ],
)
def test_bad_row_is_refused_with_its_reason(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(BadRow, match=reason):
        parsed(**changes)
