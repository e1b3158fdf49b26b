"""Runs of the import command, in this process or in one of their own, and the rows they leave."""

import io
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection

from core.orders.imports.running import batch_id_of
from tests.e2e.imports.shop import Shop

PROJECT_ROOT = Path(__file__).resolve().parents[3]


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
