import pytest

from core.payments.domain.payment_state import EventType
from core.payments.domain.totals import Totals, fold


@pytest.mark.parametrize(
    ("events", "totals"),
    [
        ([], Totals()),
        ([(EventType.CAPTURED, 100)], Totals(100, 100)),
        ([(EventType.CREATED, 100), (EventType.AUTHORIZED, 100)], Totals(100)),
        ([(EventType.AUTHORIZED, 100), (EventType.CAPTURED, 30)], Totals(100, 30)),
        ([(EventType.AUTHORIZED, 100), (EventType.VOIDED, 100)], Totals()),
        (
            [(EventType.AUTHORIZED, 100), (EventType.CAPTURED, 30), (EventType.REMAINDER_RELEASED, 70)],
            Totals(30, 30),
        ),
        (
            [(EventType.CAPTURED, 100), (EventType.REFUND_REQUESTED, 40), (EventType.REFUND_SUCCEEDED, 40)],
            Totals(100, 100, 40),
        ),
        (
            [(EventType.CAPTURED, 100), (EventType.REFUND_REQUESTED, 40), (EventType.REFUND_FAILED, 40)],
            Totals(100, 100),
        ),
        ([(EventType.CAPTURED, 100), (EventType.DISPUTE_OPENED, 60)], Totals(100, 100, 0, 60)),
        ([(EventType.CAPTURED, 100), (EventType.DISPUTE_OPENED, 60), (EventType.DISPUTE_WON, 60)], Totals(100, 100)),
        (
            [(EventType.CAPTURED, 100), (EventType.DISPUTE_OPENED, 60), (EventType.DISPUTE_LOST, 60)],
            Totals(100, 100, 0, 60),
        ),
    ],
)
def test_totals_follow_from_the_events(events, totals):
    assert fold(events) == totals
