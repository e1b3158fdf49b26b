"""From a file to invoices: grouping, order, and what is held back."""

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from core.orders.imports.invoices import Kind
from core.orders.imports.loading import fill
from core.orders.imports.rejects import Rejects
from core.orders.imports.rows import Line
from core.orders.imports.spool import Spool
from core.orders.imports.survey import Survey, take_survey
from tests.unit.imports.order_files import LATEST, row, write_parquet


@dataclass
class Loaded:
    survey: Survey
    rejects: Rejects
    new: list[list[Line]]


Load = Callable[..., Loaded]


@pytest.fixture
def load(tmp_path: Path) -> Iterator[Load]:
    spools: list[Spool] = []

    def load_rows(rows: list[dict[str, Any]], known: dict[str, int] | None = None) -> Loaded:
        spool = Spool(path=tmp_path / f"spool{len(spools)}")
        spools.append(spool)
        with Rejects(path=tmp_path / "out" / "rejects.csv") as rejects:
            read = fill(spool=spool, path=write_parquet(tmp_path / "in", rows), rejects=rejects, latest=LATEST)
            survey = take_survey(
                spool=spool, rejects=rejects, currency="GBP", known_totals=lambda invoices: known or {}
            )
        assert read == len(rows)
        return Loaded(survey=survey, rejects=rejects, new=list(spool.new_invoices()))

    yield load_rows
    for spool in spools:
        spool.close()


def rejected(rejects: Rejects) -> list[tuple[str, str]]:
    with rejects.path.open(newline="") as file:
        return [(line["Row"], line["Reason"]) for line in csv.DictReader(file)]


def test_lines_far_apart_come_together_in_file_order_and_invoices_by_time(load: Load) -> None:
    rows = [
        row("2", StockCode="a", InvoiceDate="2010-02-02"),
        row("1", StockCode="b", InvoiceDate="2010-02-01"),
        row("2", StockCode="c", InvoiceDate="2010-01-01"),
        row("3", StockCode="d", InvoiceDate="2010-02-01"),
        row("1", StockCode="b", InvoiceDate="2010-02-01"),
    ]

    loaded = load(rows)

    assert [(lines[0].invoice, [line.sku for line in lines]) for lines in loaded.new] == [
        ("2", ["a", "c"]),
        ("1", ["b", "b"]),
        ("3", ["d"]),
    ]
    assert (loaded.survey.first_day, loaded.survey.last_day) == (date(2010, 1, 1), date(2010, 2, 1))
    assert loaded.rejects.count == 0
    assert not loaded.rejects.path.exists()


def test_bad_row_holds_its_invoice_back_and_no_other(load: Load) -> None:
    rows = [row("1"), row("2"), row("1", Quantity=None), row(None), row("3", StockCode=None)]

    loaded = load(rows)

    assert [lines[0].invoice for lines in loaded.new] == ["2"]
    assert rejected(loaded.rejects) == [
        ("3", "Quantity None is not a number"),
        ("4", "Invoice is empty"),
        ("5", "StockCode is empty"),
        ("1", "held back with its invoice, because of row 3"),
    ]


def test_invoice_that_is_none_is_listed_once_with_its_reason(load: Load) -> None:
    loaded = load([row("1", Quantity=-2), row("1", Quantity=1), row("2")])

    assert [lines[0].invoice for lines in loaded.new] == ["2"]
    assert loaded.survey.tally.invoices == 1
    assert rejected(loaded.rejects) == [
        ("1", "the invoice's total is negative, but its number does not begin with C or A"),
        ("2", "held back with its invoice, because of row 1"),
    ]


def test_invoice_booked_before_is_counted_and_not_booked_again(load: Load) -> None:
    loaded = load([row("1"), row("2")], known={"1": 300})

    assert [lines[0].invoice for lines in loaded.new] == ["2"]
    assert (loaded.survey.tally.invoices, loaded.survey.new_invoices, loaded.survey.conflicts) == (2, 1, 0)
    assert loaded.survey.plan.products["85048"].opening_stock == 2


def test_invoice_booked_before_with_another_total_is_a_conflict(load: Load) -> None:
    loaded = load([row("1"), row("2")], known={"1": 299})

    assert [lines[0].invoice for lines in loaded.new] == ["2"]
    assert (loaded.survey.tally.invoices, loaded.survey.conflicts) == (1, 1)
    assert rejected(loaded.rejects) == [
        ("1", "the invoice was booked before with a total of 299 minor units, not of 300")
    ]


def test_rejects_of_an_earlier_run_do_not_stay(load: Load) -> None:
    path = load([row(None)]).rejects.path
    assert path.exists()

    load([row("1")])
    assert not path.exists()


def test_tally_counts_by_kind(load: Load) -> None:
    rows = [row("1", Price=0.005), row("1"), row("C2", Quantity=-1), row("3", Price=0.0)]

    tally = load(rows).survey.tally

    assert (tally.kinds[Kind.SALE].count, tally.kinds[Kind.SALE].total_minor) == (1, 301)
    assert (tally.invoices, tally.payments, tally.lines) == (3, 2, 4)
    assert (tally.total_minor, str(tally.rounding)) == (151, "0.000")


def test_opening_stock_is_the_least_that_keeps_stock_from_falling_below_zero(load: Load) -> None:
    rows = [
        row("1", Quantity=5, InvoiceDate="2010-01-01"),
        row("C2", Quantity=-3, InvoiceDate="2010-01-02"),
        row("3", Quantity=7, InvoiceDate="2010-01-03"),
        row("4", Quantity=-20, Price=0.0, InvoiceDate="2010-01-04"),
        row("4", StockCode="OTHER", Quantity=-1, Price=0.0, InvoiceDate="2010-01-04"),
    ]

    plans = load(rows).survey.plan.products

    assert {sku: plan.opening_stock for sku, plan in plans.items()} == {"85048": 9, "OTHER": 0}


def test_product_is_named_and_priced_by_its_newest_sale_not_by_notes(load: Load) -> None:
    rows = [
        row("1", Description="ball", Price=1.0, InvoiceDate="2010-01-01"),
        row("2", Description="BALL", Price=2.345, InvoiceDate="2010-01-02"),
        row("3", Description="damaged", Price=0.0, InvoiceDate="2010-01-03"),
        row("C4", Description="returned", Price=9.0, Quantity=-1, InvoiceDate="2010-01-04"),
        row("5", StockCode="N", Description="note", Price=0.0, InvoiceDate="2010-01-04"),
    ]

    plans = load(rows).survey.plan.products

    assert (plans["85048"].name, plans["85048"].price_minor) == ("BALL", 234)
    assert (plans["N"].name, plans["N"].price_minor) == ("note", 0)
