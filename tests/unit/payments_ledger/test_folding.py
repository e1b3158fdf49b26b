"""The fold of a payment's events: what they amount to, and every way in which they can contradict each other."""

from dataclasses import replace

import pytest
from hypothesis import given

from core.payments.domain.payment_state import EventType
from core.payments.domain.totals import Totals
from payments_ledger.folding import NOTHING, RecordedEvent, fold
from tests.properties.payment_life import lives


def event(seq, event_type, status_after, amount_minor=1000, currency="GBP"):
    return RecordedEvent(
        seq=seq,
        event_type=event_type,
        status_after=status_after,
        amount_minor=amount_minor,
        currency=currency,
        object_id=None,
        postings={},
        occurred_at=None,
        booked_at=None,
    )


# A card payment that went through everything: taken in two parts, partly refunded, one dispute lost and one won.
EVENTS = [
    event(1, "payments.payment.created.v1", "processing"),
    event(2, "payments.payment.authorized.v1", "authorized"),
    event(3, "payments.payment.captured.v1", "partially_captured", 300),
    event(4, "payments.payment.captured.v1", "partially_captured", 600),
    event(5, "payments.payment.remainder_released.v1", "captured", 100),
    event(6, "payments.refund.requested.v1", "captured", 200),
    event(7, "payments.refund.succeeded.v1", "captured", 200),
    event(8, "payments.dispute.opened.v1", "captured", 50),
    event(9, "payments.dispute.lost.v1", "captured", 50),
    event(10, "payments.dispute.opened.v1", "captured", 40),
    event(11, "payments.dispute.won.v1", "captured", 40),
]


def test_a_payment_is_what_its_events_amount_to():
    folded = fold(EVENTS)

    assert (folded.version, folded.status, folded.currency) == (11, "captured", "GBP")
    assert folded.totals == Totals(900, 900, 200, 50)
    assert folded.contradictions == ()


@pytest.mark.parametrize(
    ("up_to", "status", "totals"),
    [
        (1, "processing", Totals()),
        (2, "authorized", Totals(1000)),
        (3, "partially_captured", Totals(1000, 300)),
        (5, "captured", Totals(900, 900)),
        (6, "captured", Totals(900, 900)),
        (8, "captured", Totals(900, 900, 200, 50)),
    ],
)
def test_a_payment_can_be_seen_as_it_was(up_to, status, totals):
    folded = fold(EVENTS, up_to=up_to)

    assert (folded.version, folded.status, folded.totals, folded.contradictions) == (up_to, status, totals, ())


def test_no_events_are_nothing():
    assert fold([]) == NOTHING
    assert fold(EVENTS, up_to=0) == NOTHING


@given(lives())
def test_whatever_a_payment_goes_through_the_fold_of_its_events_is_the_payment(life):
    folded = fold(
        [event(seq, str(kind), str(state), amount) for seq, (kind, amount, state) in enumerate(life.events, start=1)]
    )

    assert (folded.version, folded.status, folded.totals) == (len(life.events), life.state, life.totals)
    assert folded.contradictions == ()


def changed(seq, **changes):
    return [replace(each, **changes) if each.seq == seq else each for each in EVENTS]


@pytest.mark.parametrize(
    ("events", "said"),
    [
        (EVENTS[:3] + EVENTS[4:], "event 4 is missing"),
        (EVENTS[1:], "event 1 is missing"),
        (changed(7, currency="EUR"), "event 7 is in EUR, the first in GBP"),
        (changed(7, status_after="canceled"), "event 7: it says canceled, and leads from captured to captured"),
        (changed(4, amount_minor=700), "event 4: it says partially_captured, and leads from partially_captured to cap"),
        (
            changed(2, event_type=str(EventType.FAILED)),
            "event 2: it says authorized, and leads from processing to fail",
        ),
        (changed(2, event_type=str(EventType.VOIDED)), "event 2: payments.payment.voided.v1 does not apply"),
        (changed(7, event_type="payments.refund.paid.v9"), "event 7: its type payments.refund.paid.v9"),
        (changed(7, event_type=None), "event 7: its type None"),
        (changed(7, amount_minor=None), "event 7: its type payments.refund.succeeded.v1 or amount None"),
        (changed(7, status_after=None), "event 7: it says None"),
    ],
)
def test_events_that_contradict_each_other_are_told_of_and_folded_on(events, said):
    folded = fold(events)

    assert any(sentence.startswith(said) for sentence in folded.contradictions), folded.contradictions
    assert (folded.version, folded.status) == (11, "captured")
