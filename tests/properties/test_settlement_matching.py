"""Nothing of a settlement disappears between its matches and breaks, whatever the file says and in whichever order."""

from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from payments_ledger.settlement.matching import Limits, Line, Posting, Reason, match

DAY = date(2026, 11, 20)
references = st.sampled_from(["", "a", "b", "c"])
days = st.integers(-4, 1).map(lambda days: DAY + timedelta(days=days))
amounts = st.integers(-3, 3)
currencies = st.sampled_from(["GBP", "EUR"])
payments = st.integers(1, 3).map(lambda number: UUID(int=number))
limits = st.builds(Limits, tolerance_minor=st.integers(0, 2), days_max=st.integers(0, 3))


@st.composite
def files(draw):
    lines = draw(
        st.lists(
            st.builds(
                Line,
                number=st.just(0),
                reference=references,
                gross_minor=amounts,
                fee_minor=st.just(0),
                currency=currencies,
                day=days,
                operation_id=st.sampled_from(["", "x"]),
                payment_id=st.one_of(st.none(), payments),
            ),
            max_size=8,
        )
    )
    return [replace(line, number=number) for number, line in enumerate(lines, start=2)]


@st.composite
def ledgers(draw):
    posted = draw(st.lists(st.tuples(references, amounts, currencies, days, payments), max_size=8))
    return [Posting(*facts, seq) for seq, facts in enumerate(posted, start=1)]


def told(outcome):
    return (outcome.matches, outcome.breaks, outcome.awaited)


@given(files(), ledgers(), limits, st.frozensets(references))
def test_every_line_and_every_posting_ends_in_exactly_one_place(lines, postings, limit, settled):
    outcome = match(lines=lines, postings=postings, day=DAY, limits=limit, settled_references=settled)

    ended = [*outcome.matches, *outcome.breaks]
    assert sorted(line for each in ended for line in each.lines) == lines
    assert sorted([*(posting for each in ended for posting in each.postings), *outcome.awaited]) == sorted(postings)
    assert all(each.lines or each.postings for each in ended)


@given(files(), ledgers(), limits, st.randoms(use_true_random=False))
def test_the_order_of_neither_side_matters(lines, postings, limit, rng):
    outcome = match(lines=lines, postings=postings, day=DAY, limits=limit)

    shuffled = rng.sample(lines, len(lines)), rng.sample(postings, len(postings))
    again = match(lines=shuffled[0], postings=shuffled[1], day=DAY, limits=limit)

    assert told(again) == told(outcome)


@given(files(), ledgers(), limits)
def test_what_matches_is_the_same_money_within_the_limits(lines, postings, limit):
    outcome = match(lines=lines, postings=postings, day=DAY, limits=limit)

    for each in outcome.matches:
        assert {line.currency for line in each.lines} == {posting.currency for posting in each.postings}
        for currency in {line.currency for line in each.lines}:
            settled = sum(line.gross_minor for line in each.lines if line.currency == currency)
            posted = sum(posting.amount_minor for posting in each.postings if posting.currency == currency)
            assert abs(settled - posted) <= limit.tolerance_minor
        moments = [line.day for line in each.lines] + [posting.day for posting in each.postings]
        assert (max(moments) - min(moments)).days <= limit.days_max


@given(ledgers())
def test_a_file_that_tells_the_ledger_again_has_no_breaks(postings):
    named = [replace(posting, reference=f"{posting.reference}-{posting.seq}", day=DAY) for posting in postings]
    lines = [
        Line(number, posting.reference, posting.amount_minor, 0, posting.currency, DAY)
        for number, posting in enumerate(named, start=2)
    ]

    outcome = match(lines=lines, postings=named, day=DAY, limits=Limits())

    assert (outcome.breaks, outcome.awaited) == ([], [])
    assert len(outcome.matches) == len(named)


@given(files(), ledgers(), limits)
def test_a_posting_in_its_time_is_awaited_and_no_break(lines, postings, limit):
    outcome = match(lines=lines, postings=postings, day=DAY, limits=limit)

    for each in outcome.breaks:
        if each.reason in (Reason.MISSING_IN_SETTLEMENT, Reason.WITHOUT_REFERENCE):
            assert all(posting.day + timedelta(days=limit.days_max) <= DAY for posting in each.postings)
