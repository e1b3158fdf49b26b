"""The import command against the real stack: once, twice, killed halfway, two at once, and what it refuses."""

import csv
import io
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection

from core.catalog.models import Product, StockMovement
from core.orders.imports.catalogue import opening_id
from core.orders.imports.invoices import line_id, order_id, payment_id, product_id, user_id
from core.orders.imports.running import batch_id_of
from core.orders.models import Order
from core.payments.models import ImportBatch, Payment, PaymentEvent, PaymentRecording
from core.payments.services.import_batches import close_batch, open_batch
from tests.turnstile import Turnstile
from tests.unit.imports.order_files import HEADER, row, write_csv, write_parquet

PROJECT_ROOT = Path(__file__).resolve().parents[2]
# Days of their own: other tests damage the ledger of theirs on purpose.
FIRST_DAY = datetime(2011, 3, 1, 9)


@dataclass
class Shop:
    """Invoices with numbers and stock codes that no other test has."""

    tag: str = field(default_factory=lambda: uuid4().hex[:10])

    def number(self, name: str) -> str:
        return f"{name}-{self.tag}"

    def sku(self, name: str) -> str:
        return f"{name}-{self.tag}"

    def line(
        self, invoice: str, sku: str, quantity: int, price: float, *, day: int = 0, customer: float | None = None
    ) -> dict[str, Any]:
        changes = {
            "StockCode": self.sku(sku), "Quantity": quantity, "Price": price, "Customer ID": customer,
            "InvoiceDate": (FIRST_DAY + timedelta(days=day)).isoformat(sep=" "),
        }  # fmt: skip
        return row(self.number(invoice), **changes)

    def stock(self, sku: str) -> int:
        return Product.objects.get(sku=self.sku(sku)).stock


@pytest.fixture
def shop() -> Shop:
    return Shop()


def run(path: Path, *arguments: str) -> tuple[int, str]:
    """Exit code and everything printed."""
    output = io.StringIO()
    try:
        call_command("import_orders", str(path), "--rejects", str(path) + ".rejects.csv", *arguments, stdout=output)
    except CommandError as error:
        return error.returncode, str(error)
    except SystemExit as stop:
        return int(stop.code or 0), output.getvalue()
    return 0, output.getvalue()


def process(path: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "manage.py", "import_orders", str(path), "--rejects", str(path) + ".rejects.csv"]
    # One that is killed leaves its temporary files behind: among the test's own.
    environment = {**os.environ, "TMPDIR": str(path.parent)}
    return subprocess.Popen(
        command, cwd=PROJECT_ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )


def every_row(shop: Shop, path: Path) -> list[tuple[str, str]]:
    """A fingerprint of every row that an import of this shop's file can have made."""
    numbers = f"%-{shop.tag}"
    queries = {
        "orders": ("SELECT o::text FROM orders_order o WHERE number LIKE %s", numbers),
        "lines": ("SELECT l::text FROM orders_orderline l JOIN orders_order o ON o.id = order_id WHERE number LIKE %s",
                  numbers),
        "payments": ("SELECT p::text FROM payments_payment p WHERE provider_ref LIKE %s", numbers),
        "events": ("SELECT e::text FROM payments_paymentevent e JOIN payments_payment p ON p.id = e.payment_id "
                   "WHERE provider_ref LIKE %s", numbers),
        "outbox": ("SELECT e.agg_key || e.agg_seq || e.type FROM outbox_event e JOIN payments_payment p "
                   "ON e.agg_key IN (p.id::text, p.order_id::text) WHERE provider_ref LIKE %s", numbers),
        "products": ("SELECT p::text FROM catalog_product p WHERE sku LIKE %s", numbers),
        "movements": ("SELECT m::text FROM catalog_stockmovement m JOIN catalog_product p ON p.id = product_id "
                      "WHERE sku LIKE %s", numbers),
        "batch": ("SELECT b::text FROM payments_importbatch b WHERE id::text = %s", str(batch_id_of(path))),
    }  # fmt: skip
    rows = []
    with connection.cursor() as cursor:
        for name, (query, parameter) in queries.items():
            cursor.execute(query, [parameter])
            rows += [(name, text) for (text,) in cursor.fetchall()]
    return sorted(rows)


def counts(rows: Sequence[tuple[str, str]]) -> dict[str, int]:
    names = [name for name, _ in rows]
    return {name: names.count(name) for name in dict.fromkeys(names)}


def one_of_each(shop: Shop) -> list[dict[str, Any]]:
    """A sale in two pieces with a repeated code, a write-off, a credit, an adjustment and a bad debt.

    The adjustment's number has a backslash, which must not be read as an escape on its way into the database.
    """
    return [
        shop.line("5", "ball", 10, 1.005, customer=17.0),
        shop.line("6", "ball", -4, 0.0, day=1),
        shop.line("5", "ball", 2, 2.50, customer=17.0),
        shop.line("5", "Ball", 1, 0.001, customer=17.0),
        shop.line("C7", "ball", -3, 1.0, day=2),
        shop.line(r"C\t8", "fee", 1, 0.30, day=2),
        shop.line("A9", "debt", 1, -40.0, day=3),
    ]


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


def many(shop: Shop) -> list[dict[str, Any]]:
    return [
        shop.line(str(number), f"code{number % 7}", 1 + number % 5, 1.25, day=number // 200)
        for number in range(700)
        for _ in range(2)
    ]


def test_sigkill_halfway_and_a_second_run_leave_what_one_run_would_have(shop: Shop, tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "orders.parquet", many(shop))
    payments = Payment.objects.filter(provider_ref__endswith=shop.tag)
    with Turnstile("orders.imports") as turnstile:
        importing = process(path)
        while not payments.exists():
            turnstile.let_one_pass()
        # The importer stands before the lock of its next chunk: it is killed between two transactions.
        importing.kill()
        importing.communicate(timeout=30)
        booked = payments.count()
    assert booked == 500
    assert ImportBatch.objects.get(pk=batch_id_of(path)).state == "open"

    exit_code, output = run(path)

    assert exit_code == 0, output
    assert counts(every_row(shop, path)) == {
        "batch": 1, "events": 700, "lines": 1400, "movements": 707, "orders": 700, "outbox": 1400,
        "payments": 700, "products": 7,
    }  # fmt: skip
    assert "200 invoices written" in output
    assert sum(shop.stock(f"code{code}") for code in range(7)) == 0
    assert ImportBatch.objects.get(pk=batch_id_of(path)).state == "closed"
    recorded = PaymentRecording.objects.filter(payment_id__in=payments.values("id"), recorded_seq=1)
    assert recorded.count() == 700


def test_two_imports_of_one_file_at_once_book_it_once(shop: Shop, tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "orders.parquet", many(shop))

    importing = [process(path), process(path)]
    outputs = [each.communicate(timeout=120)[0] for each in importing]

    assert [each.returncode for each in importing] == [0, 0], outputs
    assert counts(every_row(shop, path))["events"] == 700
    assert counts(every_row(shop, path))["movements"] == 707
    assert sum(shop.stock(f"code{code}") for code in range(7)) == 0


def test_days_that_another_import_has_open_are_not_called_agreement(shop: Shop, tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "orders.parquet", [shop.line("1", "a", 1, 1.0, day=90)])
    day = (FIRST_DAY + timedelta(days=90)).date()
    other = open_batch(batch_id=uuid4(), source="another", first_day=day, last_day=day)

    exit_code, output = run(path, "--stall-seconds", "0.1")
    close_batch(batch_id=other.id)

    assert exit_code == 1
    assert f"NOT COMPARED: {day} to {day}, the import of another is open" in output
    assert run(path)[0] == 0


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
