"""Each way of matching and each reason for a break by itself, and files that are wrong in every way."""

from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest

from payments_ledger.errors import SettlementFileUnreadable
from payments_ledger.settlement.files import COLUMNS, read
from payments_ledger.settlement.matching import Limits, Line, Posting, Reason, match

DAY = date(2026, 11, 20)
PAYMENT = UUID(int=7)
HEADER = ",".join(COLUMNS)
GOOD = f"ref_1,op_1,{PAYMENT},capture,1000,34,966,GBP,2026-11-20T23:59:59.999999+00:00"


def line(number=2, reference="a", gross_minor=1000, **facts):
    return replace(Line(number, reference, gross_minor, 0, "GBP", DAY, payment_id=PAYMENT), **facts)


def posting(seq=1, reference="a", amount_minor=1000, **facts):
    return replace(Posting(reference, amount_minor, "GBP", DAY, PAYMENT, seq), **facts)


def outcome(lines, postings, **settings):
    settled = settings.pop("settled_references", frozenset())
    found = match(lines=lines, postings=postings, day=DAY, limits=Limits(**settings), settled_references=settled)
    matched = [(len(each.lines), len(each.postings)) for each in found.matches]
    return matched, [each.reason for each in found.breaks], len(found.awaited)


def test_one_line_meets_one_posting():
    assert outcome([line()], [posting()]) == ([(1, 1)], [], 0)


def test_one_line_meets_several_captures_of_its_reference_or_of_its_payment():
    captures = [posting(seq=1, amount_minor=400), posting(seq=2, amount_minor=600)]
    named_apart = [replace(capture, reference=f"capture_{capture.seq}") for capture in captures]

    assert outcome([line()], captures) == ([(1, 2)], [], 0)
    assert outcome([line(reference="batch")], named_apart) == ([(1, 2)], [], 0)


def test_several_lines_meet_one_posting():
    lines = [line(2, gross_minor=400), line(3, gross_minor=600)]
    named_apart = [replace(each, reference=f"part_{each.number}") for each in lines]

    assert outcome(lines, [posting()]) == ([(2, 1)], [], 0)
    assert outcome(named_apart, [posting()]) == ([(2, 1)], [], 0)


def test_an_amount_may_differ_by_the_tolerance_and_not_by_more():
    assert outcome([line(gross_minor=998)], [posting()], tolerance_minor=2) == ([(1, 1)], [], 0)
    assert outcome([line(gross_minor=997)], [posting()], tolerance_minor=2) == ([], [Reason.AMOUNT_DIFFERS], 0)


def test_days_may_differ_by_the_setting_and_not_by_more():
    early = posting(day=DAY - timedelta(days=2))

    assert outcome([line()], [early], days_max=2) == ([(1, 1)], [], 0)
    assert outcome([line()], [early], days_max=1) == ([], [Reason.DATE_DRIFT], 0)


@pytest.mark.parametrize(
    ("lines", "postings", "reason"),
    [
        ([line()], [], Reason.MISSING_IN_LEDGER),
        ([], [posting()], Reason.MISSING_IN_SETTLEMENT),
        ([], [posting(reference="")], Reason.WITHOUT_REFERENCE),
        ([line(gross_minor=999)], [posting()], Reason.AMOUNT_DIFFERS),
        ([line(currency="EUR")], [posting()], Reason.CURRENCY_DIFFERS),
        ([line(day=DAY - timedelta(days=1))], [posting()], Reason.DATE_DRIFT),
        ([line(gross_minor=-1000)], [posting()], Reason.AMOUNT_DIFFERS),
    ],
)
def test_what_does_not_fit_is_one_break_with_its_reason(lines, postings, reason):
    assert outcome(lines, postings) == ([], [reason], 0)


def test_a_line_told_twice_is_a_duplicate_in_one_file_and_across_files():
    assert outcome([line(2), line(3)], [posting()]) == ([(1, 1)], [Reason.DUPLICATE_LINE], 0)
    assert outcome([line()], [], settled_references=frozenset("a")) == ([], [Reason.DUPLICATE_LINE], 0)


def test_a_posting_that_may_still_be_settled_is_awaited():
    assert outcome([], [posting()], days_max=1) == ([], [], 1)


def test_a_file_is_read_with_its_sums():
    file = read(f"{HEADER}\n{GOOD}\n".encode())

    assert file.lines == [
        Line(2, "ref_1", 1000, 34, "GBP", DAY, kind="capture", operation_id="op_1", payment_id=PAYMENT)
    ]
    assert file.totals() == {"GBP": {"gross_minor": 1000, "fee_minor": 34, "net_minor": 966}}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "line 1: the header must be"),
        (b"provider_ref,amount\n", "not 'provider_ref,amount'"),
        (f"{HEADER}\n{GOOD}\n".encode() + b"\xff", "line 3: byte 0xff is not UTF-8"),
        (f'{HEADER}\n"ref'.encode(), "line 2: "),
    ],
)
def test_what_is_no_settlement_file_is_refused_by_line_and_value(content, message):
    with pytest.raises(SettlementFileUnreadable) as refusal:
        read(content)

    assert message in refusal.value.detail


@pytest.mark.parametrize(
    ("good", "bad", "problem"),
    [
        ("1000,34", "10.00,34", "gross_minor '10.00' is not a whole number of minor units"),
        ("1000,34", "\u0663,34", "gross_minor '\u0663' is not a whole number of minor units"),
        ("966", "967", "net_minor 967 is not gross_minor 1000 less fee_minor 34"),
        ("GBP", "gbp", "currency 'gbp' is not a currency of three capital letters"),
        ("ref_1", " ", "provider_ref ' ' is not a reference of 1 to 128 characters"),
        ("+00:00", "", "occurred_at '2026-11-20T23:59:59.999999' is not a time with its zone"),
        (str(PAYMENT), "7", "payment_id '7' is not a payment's id or nothing"),
        (",GBP", "", "8 values where 9 are expected"),
    ],
)
def test_a_bad_value_makes_its_line_unreadable_and_no_other(good, bad, problem):
    file = read(f"{HEADER}\n{GOOD.replace(good, bad, 1)}\n{GOOD}\n".encode())

    assert [(each.number, each.problem) for each in file.unreadable] == [(2, problem)]
    assert [each.number for each in file.lines] == [3]
