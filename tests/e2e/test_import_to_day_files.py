"""From an order file through both stores to day files: revenue by month and by country is the file's, to the cent."""

import os
import random
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import duckdb
import pytest
from django.core.management import call_command

from payments_ledger.analytics import day_files
from payments_ledger.analytics.questions import questions
from tests.ledger_command import printed_by_ledger
from tests.unit.imports.order_files import row, write_parquet

ROOT = Path(__file__).resolve().parents[2]
# A year of a real shop's invoices (Online Retail II, Chen 2019), which is no part of the project.
ONLINE_RETAIL = Path(os.environ.get("ONLINE_RETAIL_FILE", ROOT.parent / "shared/data/online_retail_2009_2010.parquet"))
# The first of forty days over three months, in years in which no other test books; a second run finds fresh days.
FIRST_DAY = datetime(random.randrange(2000, 2009), 1, 30, 9)
COUNTRIES = ["France", "EIRE", "United Kingdom", "Channel Islands"]

# Each line is rounded to the cent by itself, half to even, in whole millionths: neither engine sees a float.
OF_THE_FILE = """
WITH millionths AS (
    SELECT *, CAST(CAST(CAST("Price" AS VARCHAR) AS DECIMAL(18, 6)) * 1000000 AS BIGINT) * "Quantity" AS micros
    FROM read_parquet('{path}')
), cents AS (
    SELECT *, abs(micros) // 10000 AS whole, abs(micros) % 10000 AS rest FROM millionths
)
SELECT {key}, CAST(sum(
    sign(micros) * (whole + CASE WHEN rest > 5000 OR (rest = 5000 AND whole % 2 = 1) THEN 1 ELSE 0 END)) AS BIGINT)
FROM cents GROUP BY 1
"""
MONTH = """CAST(strftime(CAST("InvoiceDate" AS TIMESTAMP), '%Y%m') AS INTEGER)"""


def of_the_file(path: Path, key: str) -> dict[object, int]:
    return dict(duckdb.sql(OF_THE_FILE.format(path=path, key=key)).fetchall())


def of_the_ledger(question: str, folder: Path) -> dict[object, int]:
    answer = day_files.ask(questions()[question], folder)
    assert {row[1] for row in answer.rows} == {"GBP"}
    return {row[0]: row[-1] for row in answer.rows}


def days_of(path: Path) -> tuple[str, str]:
    first, last = duckdb.sql(
        f"""SELECT min(CAST("InvoiceDate" AS DATE)), max(CAST("InvoiceDate" AS DATE)) FROM '{path}'"""
    ).fetchall()[0]
    return str(first), str(last)


def import_and_export(path: Path, folder: Path) -> None:
    output = StringIO()
    call_command("import_orders", str(path), "--rejects", str(folder / "rejects.csv"), stdout=output)
    assert "both stores agree" in output.getvalue()
    first, last = days_of(path)
    printed_by_ledger("export", "--unsealed", "--folder", folder / "export", "--from", first, "--to", last)


def prove(path: Path, folder: Path) -> int:
    """Compare both questions; the number of groups that were compared."""
    by_month, by_country = of_the_file(path, MONTH), of_the_file(path, '"Country"')
    assert of_the_ledger("revenue_by_month", folder / "export") == by_month
    assert of_the_ledger("revenue_by_country", folder / "export") == by_country
    assert sum(by_month.values()) == sum(by_country.values())
    return len(by_month) + len(by_country)


def invoices() -> list[dict[str, Any]]:
    """Sales with awkward prices, credits, adjustments and bad debts, over three months and four countries."""
    dice, tag = random.Random(20080130), uuid4().hex[:10]
    rows = []
    for number in range(120):
        moment = FIRST_DAY + timedelta(days=number % 40, minutes=number)
        letter = {7: "C", 11: "A", 29: "C"}.get(number % 40, "")
        sign = -1 if number % 40 == 7 else 1
        for _ in range(dice.randrange(1, 4)):
            rows.append(
                row(
                    f"{letter}{number}-{tag}",
                    StockCode=f"code{number % 5}-{tag}",
                    Quantity=sign * dice.randrange(1, 30),
                    Price=-9.5 if letter == "A" else dice.choice([0.125, 1.005, 2.5, 7.95, 0.375, 0.0]),
                    InvoiceDate=moment.isoformat(sep=" "),
                    Country=COUNTRIES[number % len(COUNTRIES)],
                )
            )
    return rows


@pytest.fixture(scope="module")
def imported(_open_database: None, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[dict[str, Any]], Path]:
    folder = tmp_path_factory.mktemp("import")
    rows = invoices()
    import_and_export(write_parquet(folder / "orders.parquet", rows), folder)
    return rows, folder


def test_revenue_of_an_imported_file_is_the_files_own(imported: tuple[list[dict[str, Any]], Path]) -> None:
    _, folder = imported

    assert prove(folder / "orders.parquet", folder) == 3 + 4


def test_one_cent_in_the_file_is_noticed(imported: tuple[list[dict[str, Any]], Path], tmp_path: Path) -> None:
    rows, folder = imported
    place = next(place for place, each in enumerate(rows) if abs(each["Quantity"]) == 1 and each["Price"] == 2.5)
    prove(folder / "orders.parquet", folder)
    altered = [*rows[:place], {**rows[place], "Price": 2.51}, *rows[place + 1 :]]

    with pytest.raises(AssertionError):
        prove(write_parquet(tmp_path / "altered.parquet", altered), folder)


@pytest.mark.full
@pytest.mark.timeout(1800)
def test_revenue_of_a_real_year_is_the_files_own(tmp_path: Path) -> None:
    assert ONLINE_RETAIL.is_file(), f"{ONLINE_RETAIL} is not there: set ONLINE_RETAIL_FILE to where it is"

    import_and_export(ONLINE_RETAIL, tmp_path)

    assert prove(ONLINE_RETAIL, tmp_path) == 13 + 40
