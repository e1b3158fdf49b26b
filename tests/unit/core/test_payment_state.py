import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.payments.domain.payment_state import (
    FINAL_STATES,
    HELD_STATES,
    PAYMENT_TRANSITIONS,
    PENDING_STATES,
    EventType,
    IllegalTransition,
    PaymentState,
    next_state,
)

MONEY_BEFORE_AUTHORIZATION = {EventType.CAPTURED, EventType.REFUND_SUCCEEDED, EventType.VOIDED}


def test_the_table_gives_the_next_state():
    assert next_state(None, EventType.CREATED) == PaymentState.PROCESSING
    assert next_state(PaymentState.PROCESSING, EventType.UNKNOWN) == PaymentState.UNKNOWN
    assert next_state(PaymentState.UNKNOWN, EventType.AUTHORIZED) == PaymentState.AUTHORIZED


@pytest.mark.parametrize(
    ("remainder_minor", "after"), [(0, PaymentState.CAPTURED), (1, PaymentState.PARTIALLY_CAPTURED)]
)
def test_a_capture_that_leaves_a_remainder_is_partial(remainder_minor, after):
    assert next_state(PaymentState.AUTHORIZED, EventType.CAPTURED, remainder_minor=remainder_minor) == after


def test_what_is_not_in_the_table_is_refused_and_named():
    with pytest.raises(IllegalTransition, match=r"payment.captured.v1 does not apply to a payment that is failed"):
        next_state(PaymentState.FAILED, EventType.CAPTURED)
    with pytest.raises(IllegalTransition, match="absent"):
        next_state(None, EventType.FAILED)


def test_every_state_is_pending_held_or_final():
    assert set(PaymentState) == PENDING_STATES | HELD_STATES | FINAL_STATES
    assert not PENDING_STATES & FINAL_STATES
    assert not HELD_STATES & (PENDING_STATES | FINAL_STATES)


def test_a_final_state_is_never_left():
    left = {before for (before, _), after in PAYMENT_TRANSITIONS.items() if before in FINAL_STATES and after != before}

    assert left == set()


@pytest.mark.parametrize("state", sorted(PENDING_STATES))
@pytest.mark.parametrize("event", sorted(MONEY_BEFORE_AUTHORIZATION))
def test_no_money_moves_before_it_is_held(state, event):
    with pytest.raises(IllegalTransition):
        next_state(state, event)


@given(st.lists(st.sampled_from(list(EventType)), max_size=14))
def test_no_sequence_of_events_leads_out_of_failed_or_canceled(events):
    state: PaymentState | None = None
    ended = None
    for event in events:
        try:
            state = next_state(state, event)
        except IllegalTransition:
            continue
        ended = ended or (state if state in (PaymentState.FAILED, PaymentState.CANCELED) else None)

    assert ended is None or state == ended
