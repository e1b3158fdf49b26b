"""What one import books of invoices of every kind, and that a second changes no row of it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from core.catalog.models import StockMovement
from core.orders.imports.invoices import line_id, order_id, payment_id, user_id
from core.orders.imports.running import batch_id_of
from core.orders.models import Order
from core.payments.models import Payment, PaymentEvent
from tests.e2e.imports.runs import counts, every_row, run
from tests.e2e.imports.shop import FIRST_DAY, Shop, one_of_each
from tests.unit.imports.order_files import HEADER, write_csv, write_parquet


@dataclass
class Booked:
    """A file with one invoice of each kind, imported once."""

    shop: Shop
    path: Path
    exit_code: int
    output: str


@pytest.fixture(scope="module")
def booked(tmp_path_factory: pytest.TempPathFactory, _open_database: None) -> Booked:
    shop = Shop()
    path = write_parquet(tmp_path_factory.mktemp("import") / "orders.parquet", one_of_each(shop))
    return Booked(shop, path, *run(path))


def test_both_stores_agree_on_every_kind_and_the_table_is_printed(booked: Booked) -> None:
    lines = [" ".join(line.split()) for line in booked.output.splitlines()]

    assert booked.exit_code == 0, booked.output
    for line in (
        "sales: paid order, payment captured 1 15.05 1 15.05",
        "nothing to pay: stock movement only 1 0.00",
        "cancellations: unreferenced credit 1 -3.00 1 -3.00",
        "cancellations that add: adjustment 1 0.30 1 0.30",
        "bad debt: adjustment 1 -40.00 1 -40.00",
        "payments 4 -27.65 4 -27.65",
        "5 invoices, 7 lines; -27.65 +0.001 rounding = -27.649 GBP",
        "rejected rows: none",
    ):
        assert line in lines
    assert any(line.startswith("both stores agree") for line in lines)


def test_sale_becomes_a_paid_order_with_every_line(booked: Booked) -> None:
    order = Order.objects.get(pk=order_id(booked.shop.number("5")))

    assert (order.total_minor, order.committed_minor, order.payment_status) == (1505, 1505, "paid")
    assert order.user_id == user_id("17", "France")
    assert list(order.lines.values_list("id", "quantity", "unit_price_minor", "amount_minor")) == [
        (line_id(order.number, 1), 10, 100, 1005),
        (line_id(order.number, 2), 2, 250, 500),
        (line_id(order.number, 3), 1, 0, 0),
    ]


def test_payments_are_booked_in_the_past_by_type(booked: Booked) -> None:
    shop = booked.shop

    payments = {
        payment.provider_ref.split("-")[0]: (payment.payment_type, payment.amount_minor, payment.order_id)
        for payment in Payment.objects.filter(provider_ref__endswith=shop.tag)
    }
    event = PaymentEvent.objects.get(payment_id=payment_id(shop.number("A9")))

    assert payments == {
        "5": ("imported", 1505, order_id(shop.number("5"))),
        "C7": ("credit", -300, payment_id(shop.number("C7"))),
        r"C\t8": ("adjustment", 30, payment_id(shop.number(r"C\t8"))),
        "A9": ("adjustment", -4000, payment_id(shop.number("A9"))),
    }
    assert event.postings == {"imported_clearing": -4000, "bad_debt": 4000}
    assert event.booked_at.replace(tzinfo=None) == FIRST_DAY + timedelta(days=3)


def test_opening_stock_and_movements_explain_the_stock(booked: Booked) -> None:
    shop = booked.shop

    movements = StockMovement.objects.filter(product__sku=shop.sku("ball")).order_by("occurred_at", "quantity")

    fee = StockMovement.objects.get(product__sku=shop.sku("fee"), reason="import")

    # 12 sold, 4 written up, 3 returned: it must have begun with 12.
    assert list(movements.values_list("reason", "quantity", "reference")) == [
        ("import", -12, shop.number("5")),
        ("opening", 12, str(batch_id_of(booked.path))),
        ("import", 4, shop.number("6")),
        ("import", 3, shop.number("C7")),
    ]
    assert fee.reference == shop.number(r"C\t8")
    assert (shop.stock("ball"), shop.stock("Ball"), shop.stock("fee"), shop.stock("debt")) == (7, 0, 0, 0)


def test_second_run_changes_no_row(booked: Booked) -> None:
    before = every_row(booked.shop, booked.path)

    exit_code, output = run(booked.path)

    assert exit_code == 0
    assert "nothing new: all 5 invoices were booked before" in output
    assert every_row(booked.shop, booked.path) == before
    assert counts(before) == {
        "batch": 1, "events": 4, "lines": 3, "movements": 10, "orders": 1, "outbox": 5, "payments": 4, "products": 4,
    }  # fmt: skip


def test_same_invoices_in_another_file_format_and_spelling_change_no_row(booked: Booked, tmp_path: Path) -> None:
    before = every_row(booked.shop, booked.path)
    spelt = {"Invoice": "InvoiceNo", "Price": "UnitPrice", "Customer ID": "CustomerID"}
    lines = [";".join(spelt.get(name, name) for name in HEADER)]
    for each in one_of_each(booked.shop):
        moment = datetime.fromisoformat(each["InvoiceDate"])
        cells = each | {"InvoiceDate": f"{moment:%m/%d/%Y %H:%M}", "Customer ID": each["Customer ID"] or ""}
        lines.append(";".join(str(cells[name]) for name in HEADER))

    exit_code, output = run(write_csv(tmp_path / "orders.csv", lines))

    assert exit_code == 0, output
    assert "nothing new: all 5 invoices were booked before" in output
    assert every_row(booked.shop, booked.path) == before
