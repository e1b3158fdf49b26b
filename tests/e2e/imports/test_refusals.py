"""What an import refuses: rows, invoices, stock it does not have, and whole files."""

import csv
from pathlib import Path

import pytest

from core.catalog.models import Product, StockMovement
from core.orders.imports.catalogue import opening_id
from core.orders.imports.invoices import product_id
from core.orders.imports.running import batch_id_of
from core.orders.models import Order
from core.payments.models import Payment
from tests.e2e.imports.runs import run
from tests.e2e.imports.shop import FIRST_DAY, Shop
from tests.unit.imports.order_files import HEADER, write_csv, write_parquet


def test_bad_row_is_listed_with_its_reason_and_holds_only_its_invoice_back(shop: Shop, tmp_path: Path) -> None:
    rows = [shop.line("1", "a", 1, 1.0), shop.line("2", "a", 1, 1.0), shop.line("2", "a", 1, 1.0)]
    rows[1]["InvoiceDate"] = "soon"
    path = write_parquet(tmp_path / "orders.parquet", rows)

    exit_code, output = run(path)

    assert exit_code == 0
    assert "row 2: InvoiceDate 'soon' is not a date such as 2010-12-01 08:26:00" in output
    with Path(str(path) + ".rejects.csv").open(newline="") as file:
        assert [(line["Row"], line["Invoice"]) for line in csv.DictReader(file)] == [
            ("2", shop.number("2")),
            ("3", shop.number("2")),
        ]
    assert list(Order.objects.filter(number__endswith=shop.tag).values_list("number", flat=True)) == [shop.number("1")]


def test_invoice_booked_with_another_total_stays_and_is_exit_1(shop: Shop, tmp_path: Path) -> None:
    run(write_parquet(tmp_path / "a.parquet", [shop.line("1", "a", 1, 1.0)]))

    exit_code, output = run(write_parquet(tmp_path / "b.parquet", [shop.line("1", "a", 2, 1.0)]))

    assert exit_code == 1
    assert "was booked before with a total of 100 minor units, not of 200" in output
    assert Order.objects.get(number=shop.number("1")).total_minor == 100


def test_stock_sold_meanwhile_stops_the_import_until_there_is_more(shop: Shop, tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "orders.parquet", [shop.line("1", "a", 5, 1.0)])
    # As after a run that opened the stock and was killed, and a customer who then bought all of it.
    product = Product.objects.create(
        id=product_id(shop.sku("a")), sku=shop.sku("a"), name="a", price_minor=100, currency="GBP", stock=0
    )
    StockMovement.objects.create(
        id=opening_id(batch_id_of(path), shop.sku("a")), product=product, quantity=5, reason="opening",
        reference=str(batch_id_of(path)), occurred_at=FIRST_DAY.astimezone(),
    )  # fmt: skip

    exit_code, output = run(path)

    assert (exit_code, shop.sku("a") in output) == (1, True)
    assert not Payment.objects.filter(provider_ref=shop.number("1")).exists()
    assert not StockMovement.objects.filter(reference=shop.number("1")).exists()

    Product.objects.filter(pk=product.pk).update(stock=5)
    assert run(path)[0] == 0
    assert shop.stock("a") == 0


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"Invoice,StockCode,Description,Quantity,InvoiceDate,Customer ID,Country\r\n", "missing columns: Price"),
        (b"PAR1 and no more", "not a sound Parquet file"),
        (None, "cannot be read: No such file or directory"),
    ],
)
def test_unusable_file_is_one_line_and_exit_2(tmp_path: Path, content: bytes | None, said: str) -> None:
    path = tmp_path / "orders"
    if content is not None:
        path.write_bytes(content)

    exit_code, output = run(path)

    assert exit_code == 2
    assert said in output
    assert len(output.splitlines()) == 1


def test_empty_file_imports_nothing_and_is_no_error(tmp_path: Path) -> None:
    exit_code, output = run(write_csv(tmp_path / "orders.csv", [",".join(HEADER)]))

    assert exit_code == 0
    assert "0 invoices, 0 lines" in output
