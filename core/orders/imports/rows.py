"""From the cells of one row to a Line, or to the reason why not. Pure."""

import math
from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, NamedTuple

from core.orders.imports.errors import BadRow

# LedgerCalendar, and with it every bucket, begins here.
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
# Widths of the columns these texts end up in.
NUMBER_CHARACTERS_MAX = 64
DESCRIPTION_CHARACTERS_MAX = 255
QUANTITY_MAX = 10**9
PRICE_MAX = Decimal(10**9)
NO_COUNTRY = "Unspecified"
MONTH_FIRST = ("%m/%d/%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y")
DAY_FIRST = ("%d/%m/%Y %H:%M", "%d/%m/%Y %H:%M:%S", "%d/%m/%Y")


class Line(NamedTuple):
    """One sold (or returned) position. `price` is in major units and may have more digits than the currency.

    `customer` is empty for a guest; `occurred_at` is in UTC.
    """

    row: int
    invoice: str
    sku: str
    description: str
    quantity: int
    price: Decimal
    occurred_at: datetime
    customer: str
    country: str


def parse_row(cells: Sequence[Any], *, row: int, latest: datetime, day_first: bool = False) -> Line:
    """Read the cells, which stand in the order of COLUMNS. Nothing may have happened after `latest`.

    Raises BadRow with the reason. Stock codes are taken as they are, blanks and case included.
    """
    invoice, sku, description, quantity, moment, price, customer, country = cells
    occurred_at = _moment(moment, day_first)
    if not EARLIEST <= occurred_at <= latest:
        raise BadRow(f"InvoiceDate {occurred_at:%Y-%m-%d %H:%M:%S} is before {EARLIEST:%Y} or in the future")
    return Line(
        row=row,
        invoice=invoice_number(invoice),
        sku=_required("StockCode", _text(sku)),
        description=_text(description).replace("\0", "").strip()[:DESCRIPTION_CHARACTERS_MAX],
        quantity=_quantity(quantity),
        price=_price(price),
        occurred_at=occurred_at,
        customer=_limited("Customer ID", _customer(customer)),
        country=_limited("Country", _text(country).strip()) or NO_COUNTRY,
    )


def invoice_number(value: Any) -> str:
    """The invoice number of a cell. Raises BadRow."""
    return _required("Invoice", _text(value).strip())


def _required(name: str, text: str) -> str:
    if not text.strip():
        raise BadRow(f"{name} is empty")
    return _limited(name, text)


def _limited(name: str, text: str) -> str:
    if len(text) > NUMBER_CHARACTERS_MAX:
        raise BadRow(f"{name} is longer than {NUMBER_CHARACTERS_MAX} characters")
    if not text.isprintable():
        raise BadRow(f"{name} has characters that cannot be printed: {text!r}")
    return text


def _text(value: Any) -> str:
    """A cell as text; 13085.0 is the number 13085, because spreadsheets make floats of columns with gaps."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, float | Decimal):
        if not math.isfinite(value):
            return ""
        return str(int(value)) if value == int(value) else str(value)
    if isinstance(value, int | date):
        return str(value)
    raise BadRow(f"a cell holds neither text nor a number: {value!r}")


def _customer(value: Any) -> str:
    text = _text(value).strip()
    whole = text.removesuffix(".0")
    if whole.isdecimal():
        return whole
    return "" if text.casefold() in ("nan", "null", "none") else text


def _price(value: Any) -> Decimal:
    # By way of text: 6.95 is meant, not the nearest binary fraction.
    return _price_of_text(_text(value).strip())


@lru_cache(maxsize=65_536)
def _price_of_text(text: str) -> Decimal:
    try:
        price = Decimal(text)
    except InvalidOperation:
        raise BadRow(f"Price {text!r} is not a number") from None
    if not price.is_finite() or abs(price) > PRICE_MAX:
        raise BadRow(f"Price {text!r} is not a number up to {PRICE_MAX}")
    return price


def _quantity(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        quantity = value
    else:
        try:
            number = Decimal(_text(value).strip())
        except InvalidOperation:
            raise BadRow(f"Quantity {value!r} is not a number") from None
        if not number.is_finite() or abs(number) > QUANTITY_MAX or number != int(number):
            raise BadRow(f"Quantity {value!r} is not a whole number up to {QUANTITY_MAX}")
        quantity = int(number)
    if abs(quantity) > QUANTITY_MAX:
        raise BadRow(f"Quantity {value!r} is not a whole number up to {QUANTITY_MAX}")
    return quantity


def _moment(value: Any, day_first: bool) -> datetime:
    """A date cell in UTC; a time without a zone is read as UTC, a date alone as its midnight."""
    if isinstance(value, datetime):
        moment = value
    elif isinstance(value, date):
        moment = datetime.combine(value, time())
    else:
        moment = _moment_of_text(_text(value).strip(), day_first)
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:
        raise BadRow(f"InvoiceDate {value!r} is no date") from None


@lru_cache(maxsize=65_536)
def _moment_of_text(text: str, day_first: bool) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        pass
    # The original publication of such files writes 12/1/2010 8:26 for the first of December.
    for form in DAY_FIRST if day_first else MONTH_FIRST:
        try:
            return datetime.strptime(text, form)
        except ValueError:
            continue
    raise BadRow(f"InvoiceDate {text!r} is not a date such as 2010-12-01 08:26:00")
