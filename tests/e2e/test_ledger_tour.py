"""`make ledger-tour` to its end, on a few days of orders of its own, and what it says when something is wrong."""

import random
import re
import subprocess
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from deploy.demo import damage, ledger_tour
from deploy.demo.commands import Failed
from deploy.local.layout import PROJECT_ROOT, PYTHON
from tests.unit.imports.order_files import row, write_parquet

# Three days in months in which no other test books; a second run finds fresh days.
FIRST_MOMENT = datetime(random.randrange(2000, 2009), random.randrange(6, 12), random.randrange(1, 26), 9)
DAYS = 3
INVOICES_A_DAY = 12
HEADLINES = ["A month of orders", "Damage, by hand, in Cassandra", "Found", "Mended", "Sealed", "Analysed"]
TOUR_SECONDS_MAX = 180


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    tag = uuid4().hex[:10]
    rows = [
        row(
            f"{number}-{tag}",
            StockCode=f"code{number % 5}-{tag}",
            Quantity=1 + number % 3,
            Price=2.5,
            InvoiceDate=(FIRST_MOMENT + timedelta(days=number % DAYS, minutes=number)).isoformat(sep=" "),
            Country=["France", "EIRE"][number % 2],
        )
        for number in range(DAYS * INVOICES_A_DAY)
    ]
    return write_parquet(tmp_path / "orders.parquet", rows)


def test_the_tour_breaks_five_things_and_ends_with_all_of_them_mended_and_sealed(orders: Path) -> None:
    first, last = FIRST_MOMENT.date(), FIRST_MOMENT.date() + timedelta(days=DAYS - 1)

    done = subprocess.run(
        [str(PYTHON), "-m", "deploy.demo.ledger_tour", "--file", str(orders), "--from", str(first), "--to", str(last)],
        cwd=PROJECT_ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TOUR_SECONDS_MAX,
        check=False,
    )

    assert done.returncode == 0, done.stdout[-4000:]
    assert re.findall(r"^── ([^─]+) ─", done.stdout, re.MULTILINE) == HEADLINES
    _, _, damaged, found, mended, sealed, analysed = re.split(r"^── .*$", done.stdout, flags=re.MULTILINE)[0:7]
    assert len(damaged.strip().splitlines()) == 5
    assert "THE STORES DIFFER" in found.upper()
    assert mended.count("the stores agree") >= 1
    assert f"{DAYS} sealed" in sealed
    assert re.search(r"^France +GBP ", analysed, re.MULTILINE)
    assert "all sealed" in analysed
    page = re.search(r"^Open (\S+) in a browser", analysed, re.MULTILINE)
    assert page is not None
    assert "<svg" in Path(page[1]).read_text()


def test_damage_that_verify_does_not_name_fails_the_tour(orders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    day = FIRST_MOMENT.date() + timedelta(days=500)
    monkeypatch.setattr(ledger_tour, "run", lambda *words: None)
    monkeypatch.setattr(ledger_tour, "runs_as", lambda code, *words: None)
    unharmed = damage.Wound("nothing at all", "payment_events", frozenset({uuid4()}))
    monkeypatch.setattr(damage, "do_all", lambda **_: [unharmed])

    with pytest.raises(Failed, match="nothing at all"):
        ledger_tour.tour(orders, day, day)


def test_a_file_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["ledger-tour", "--file", "no-such.parquet"])

    assert ledger_tour.main() == 2
    assert "no-such.parquet is not there" in capsys.readouterr().out
