import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.payments.domain.payment_state import (
    FINAL_STATES,
    PAYMENT_TRANSITIONS,
    PENDING_STATES,
    EventType,
    IllegalTransition,
    PaymentState,
    next_state,
)


def test_the_table_gives_the_next_state():
    assert next_state(None, EventType.CREATED) == PaymentState.PROCESSING
    assert next_state(PaymentState.PROCESSING, EventType.UNKNOWN) == PaymentState.UNKNOWN
    assert next_state(PaymentState.UNKNOWN, EventType.CAPTURED) == PaymentState.CAPTURED


def test_what_is_not_in_the_table_is_refused_and_named():
    with pytest.raises(IllegalTransition, match=r"payment.captured.v1 does not apply to a payment that is failed"):
        next_state(PaymentState.FAILED, EventType.CAPTURED)
    with pytest.raises(IllegalTransition, match="absent"):
        next_state(None, EventType.FAILED)


def test_every_state_is_pending_or_final_and_final_ones_lead_nowhere():
    assert set(PaymentState) == PENDING_STATES | FINAL_STATES
    assert not PENDING_STATES & FINAL_STATES
    assert not {before for before, _ in PAYMENT_TRANSITIONS} & FINAL_STATES


@given(st.lists(st.sampled_from(list(EventType)), max_size=12))
def test_no_sequence_of_events_captures_twice(events):
    state: PaymentState | None = None
    captures = 0
    for event in events:
        try:
            state = next_state(state, event)
        except IllegalTransition:
            continue
        captures += event == EventType.CAPTURED

    assert captures <= 1
    assert (state == PaymentState.CAPTURED) == (captures == 1)
