"""The closing words: figures people compare by eye."""

from datetime import date
from uuid import uuid4

import pytest

from core.orders.imports.invoices import Kind
from core.orders.imports.report import amount, book_lines, speed_line, store_lines
from core.orders.imports.running import Outcome
from core.orders.imports.survey import Survey
from core.orders.imports.tally import KindTally, Tally


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [(-13655202, "GBP", "-136,552.02"), (0, "GBP", "0.00"), (-5, "GBP", "-0.05"), (953948462, "GBP", "9,539,484.62"),
     (1234, "JPY", "1,234")],
)  # fmt: skip
def test_amounts_are_in_major_units(minor: int, currency: str, text: str) -> None:
    assert amount(minor, currency) == text


def outcome(**changes: object) -> Outcome:
    tally = Tally(currency="GBP")
    tally.kinds[Kind.SALE] = KindTally(count=2, total_minor=300)
    return Outcome(batch_id=uuid4(), rows=2, survey=Survey(tally=tally), **changes)  # type: ignore[arg-type]


def test_line_that_differs_says_so() -> None:
    held = {kind: KindTally() for kind in Kind}
    held[Kind.SALE] = KindTally(count=2, total_minor=299)

    differing = [line for line in book_lines(outcome(), held) if line.endswith("DIFFERS")]

    assert [" ".join(line.split()) for line in differing] == [
        "sales: paid order, payment captured 2 3.00 2 2.99 DIFFERS"
    ]


def test_verdict_and_differences_are_named() -> None:
    report = {
        "agrees": False, "seconds": 1.25, "skipped": [],
        "totals": {"postgresql": {"rows": 1, "sums": {"payments.credit.posted.v1/GBP": -300}}},
        "differences": [{"kind": "missing", "table": "payment_events", "payment_id": "p", "seq": 1}],
    }  # fmt: skip

    assert store_lines(report, date(2010, 1, 1), date(2010, 1, 2)) == [
        "ledger, 2010-01-01 to 2010-01-02:",
        "  postgresql: 1 rows; payments.credit.posted.v1 -3.00 GBP",
        "  missing payment_events p 1",
        "both stores DIFFER, in 1.2 s",
    ]


def test_days_of_another_open_import_are_no_agreement_and_other_days_do_not_matter() -> None:
    def opened(first_day: str, last_day: str) -> dict[str, str]:
        return {"source": "x", "first_day": first_day, "last_day": last_day}

    report = {
        "agrees": True, "seconds": 0.5, "totals": {}, "differences": [],
        "skipped": [opened("2009-01-01", "2009-12-31"), opened("2010-01-02", "2010-03-01")],
    }  # fmt: skip

    assert store_lines(report, date(2010, 1, 1), date(2010, 1, 2))[1:] == [
        "  NOT COMPARED: 2010-01-02 to 2010-03-01, the import of x is open",
        "both stores agree where they were compared, in 0.5 s",
    ]


def test_speed_is_per_second_of_writing_and_of_recording() -> None:
    line = speed_line(outcome(written_invoices=1000, written_payments=500, writing_seconds=2.0, recording_seconds=5.0))

    assert "(500 orders/s)" in line
    assert "(100 events/s)" in line
    assert speed_line(outcome()) == "nothing new: all 2 invoices were booked before"
