"""Closed days over the API and at the import's door."""

import random
from datetime import timedelta

import httpx
import pytest

from core.orders.models import Order
from core.payments.models import ImportBatch, SealedDay
from payments_ledger.seals.sealing import Outcome, seal_day
from tests.e2e.imports.runs import run
from tests.e2e.imports.shop import FIRST_DAY, Shop
from tests.e2e.test_authority import staff
from tests.integration.payments_ledger.sealable import SealableDay
from tests.unit.imports.order_files import write_parquet


@pytest.fixture(scope="module")
def client() -> httpx.Client:
    return staff().client


@pytest.fixture(scope="module")
def day() -> SealableDay:
    made = SealableDay()
    assert seal_day(made.date).outcome is Outcome.SEALED
    return made


def test_seals_are_listed_newest_first_and_chain(client: httpx.Client, day: SealableDay) -> None:
    seal_day(SealableDay(payments=1).date)

    page = client.get("ledger/seals?limit=2").json()

    newest, before = page["data"]
    assert newest["seal_no"] == SealedDay.objects.count()
    assert newest["prev_hash"] == before["seal_hash"]
    assert client.get(page["next"] or "ledger/seals").status_code == 200


def test_totals_of_days_say_whether_they_are_final(client: httpx.Client, day: SealableDay) -> None:
    answer = client.get(f"ledger/totals?from={day.date}&to={day.date}")

    assert answer.status_code == 200
    totals = answer.json()["data"]
    assert sum(total["amount"]["amount_minor"] for total in totals) == sum(body["amount_minor"] for body in day.bodies)
    assert {(total["booking_day"], total["sealed"], total["amount"]["currency"]) for total in totals} == {
        (str(day.date), True, "GBP")
    }


def test_a_sealed_day_is_complete(client: httpx.Client, day: SealableDay) -> None:
    answer = client.get(f"ledger/completeness?from={day.date}&to={day.date}")

    (share,) = answer.json()["sealed"]
    volume = {"amount_minor": sum(body["amount_minor"] for body in day.bodies), "currency": "GBP"}
    assert share == {"volume": volume, "complete": volume, "share_ppm": 1_000_000}


@pytest.mark.parametrize("path", ["ledger/totals", "ledger/completeness"])
@pytest.mark.parametrize(
    ("query", "attr"),
    [
        ("from=2010-01-01", "to"),
        ("to=2010-01-01", "from"),
        ("from=2010-01-02&to=2010-01-01", "from"),
        ("from=2010-01-01&to=2010-04-03", "to"),
        ("from=yesterday&to=2010-01-01", "from"),
    ],
)
def test_days_that_are_none_or_too_many_are_refused(client: httpx.Client, path: str, query: str, attr: str) -> None:
    answer = client.get(f"{path}?{query}")

    assert (answer.status_code, [error["attr"] for error in answer.json()["errors"]]) == (400, [attr])


def own_day() -> int:
    """A day, counted from FIRST_DAY, on which no other import books: it is closed for good afterwards."""
    return random.randrange(-4_500, -1_500)


def test_an_import_into_a_sealed_day_is_refused_with_exit_2_and_writes_nothing(tmp_path) -> None:
    number, shop, late = own_day(), Shop(), Shop()
    day = (FIRST_DAY + timedelta(days=number)).date()
    first = write_parquet(tmp_path / "first.parquet", [shop.line("1", "A", 2, 3.5, day=number)])
    assert run(first)[0] == 0
    assert seal_day(day).outcome is Outcome.SEALED

    # What is booked already needs no booking.
    again, _ = run(first)
    code, output = run(write_parquet(tmp_path / "late.parquet", [late.line("2", "B", 1, 1.0, day=number)]))

    assert (again, code) == (0, 2)
    assert f"{day} is sealed and cannot be booked into" in output
    assert not Order.objects.filter(number=late.number("2")).exists()
    assert not ImportBatch.objects.filter(source="late.parquet", first_day=day).exists()


def test_an_import_around_a_sealed_day_is_booked(tmp_path) -> None:
    number, shop = own_day(), Shop()
    known = shop.line("1", "A", 2, 3.5, day=number)
    assert run(write_parquet(tmp_path / "known.parquet", [known]))[0] == 0
    assert seal_day((FIRST_DAY + timedelta(days=number)).date()).outcome is Outcome.SEALED
    new = [shop.line(name, "A", 1, 1.0, day=number + away) for name, away in (("2", -1), ("3", 1))]

    code, output = run(write_parquet(tmp_path / "grown.parquet", [known, *new]))

    assert code == 0, output
    assert Order.objects.filter(number__in=[shop.number("2"), shop.number("3")]).count() == 2
