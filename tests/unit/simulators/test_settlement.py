"""The settlement file: every movement of the day once, with its sign and its fee, and nothing else."""

import csv
import io
from datetime import date

import pytest

from simulators.card_tokens import Kind
from simulators.fees import fee_of_operation
from simulators.operation_log import Record
from simulators.settlement import settlement_file

DAY = "2026-11-21T10:00:00.000000+00:00"


def operation(kind: str, moved_minor: int, *, fee_minor: int = 0, at: str = DAY) -> Record:
    return {
        "type": "operation", "operation_id": f"o-{kind}", "payment_id": "p", "kind": kind, "moved_minor": moved_minor,
        "amount_minor": 700, "currency": "GBP", "provider_ref": f"r-{kind}", "fee_minor": fee_minor, "at": at,
    }  # fmt: skip


def dispute(event: str, *, fee_minor: int) -> Record:
    return {
        "type": "dispute", "event": event, "dispute_id": "d", "payment_id": "p", "amount_minor": 300, "currency": "GBP",
        "provider_ref": f"r-{event}", "fee_minor": fee_minor, "at": DAY,
    }  # fmt: skip


def lines(records: list[Record]) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(settlement_file(records, day=date(2026, 11, 21)))))


def test_line_of_a_capture_says_what_comes_and_what_is_kept() -> None:
    assert lines([operation("capture", 700, fee_minor=30)]) == [
        {
            "provider_ref": "r-capture", "operation_id": "o-capture", "payment_id": "p", "kind": "capture",
            "gross_minor": "700", "fee_minor": "30", "net_minor": "670", "currency": "GBP", "occurred_at": DAY,
        }
    ]  # fmt: skip


def test_refunds_and_disputes_take_and_a_won_dispute_brings_back() -> None:
    records = [operation("refund", 200), dispute("opened", fee_minor=1500), dispute("won", fee_minor=-1500)]

    found = [(line["kind"], line["gross_minor"], line["fee_minor"], line["net_minor"]) for line in lines(records)]

    assert found == [
        ("refund", "-200", "0", "-200"),
        ("dispute_opened", "-300", "1500", "-1800"),
        ("dispute_won", "300", "-1500", "1800"),
    ]


@pytest.mark.parametrize(
    "record",
    [
        operation("authorize", 700),
        operation("void", 700),
        operation("capture", 0),
        operation("capture", 700, at="2026-11-20T23:59:59.999999+00:00"),
        operation("capture", 700, at="2026-11-22T00:00:00.000000+00:00"),
        dispute("lost", fee_minor=0),
        {"type": "pending", "at": DAY},
        {"type": "operation", "kind": "charge", "charged_minor": 700, "at": DAY},
    ],
)
def test_what_moves_no_money_on_that_day_has_no_line(record: Record) -> None:
    assert lines([record]) == []


@pytest.mark.parametrize(
    ("moved_minor", "fee_minor"),
    [(0, 0), (1, 20), (35, 20), (36, 21), (1299, 38), (10_000, 160), (10**15, 14 * 10**12 + 20)],
)
def test_fee_of_a_capture_is_rounded_half_up_and_never_negative(moved_minor: int, fee_minor: int) -> None:
    assert fee_of_operation(kind=Kind.CAPTURE, moved_minor=moved_minor) == fee_minor
    assert fee_of_operation(kind=Kind.REFUND, moved_minor=moved_minor) == 0
