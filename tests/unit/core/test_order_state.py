import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.orders.domain.order_state import (
    FULFILMENT_TRANSITIONS,
    FulfilmentStatus,
    PaymentStatus,
    PaymentTotals,
    fold_committed_minor,
    fold_payment_status,
)


def totals(*, pending=False, failed=False, authorized=0, captured=0, refunded=0):
    return PaymentTotals(pending, failed, authorized, authorized, captured, refunded)


@pytest.mark.parametrize(
    ("payments", "status"),
    [
        ([], PaymentStatus.UNPAID),
        ([totals(pending=True)], PaymentStatus.PENDING),
        ([totals(failed=True)], PaymentStatus.FAILED),
        ([totals()], PaymentStatus.UNPAID),
        ([totals(failed=True), totals(pending=True)], PaymentStatus.PENDING),
        ([totals(pending=True, authorized=60, captured=60), totals(authorized=40)], PaymentStatus.PENDING),
        ([totals(authorized=60, captured=60), totals(authorized=40)], PaymentStatus.PARTIALLY_PAID),
        ([totals(failed=True), totals(authorized=100)], PaymentStatus.AUTHORIZED),
        ([totals(authorized=100)], PaymentStatus.AUTHORIZED),
        ([totals(authorized=40, captured=40)], PaymentStatus.PARTIALLY_PAID),
        ([totals(authorized=100, captured=100)], PaymentStatus.PAID),
        ([totals(failed=True), totals(authorized=100, captured=100)], PaymentStatus.PAID),
        ([totals(authorized=100, captured=100, refunded=1)], PaymentStatus.PARTIALLY_REFUNDED),
        ([totals(authorized=100, captured=100, refunded=100)], PaymentStatus.REFUNDED),
    ],
)
def test_the_payment_status_follows_from_the_payments(payments, status):
    assert fold_payment_status(100, payments) == status


PAYMENTS = st.builds(
    lambda pending, refunded, more_captured, more_authorized: totals(
        pending=pending,
        failed=False,
        refunded=refunded,
        captured=refunded + more_captured,
        authorized=refunded + more_captured + more_authorized,
    ),
    st.booleans(),
    st.integers(0, 100),
    st.integers(0, 100),
    st.integers(0, 100),
)


@given(st.integers(1, 200), st.lists(PAYMENTS, max_size=5), st.randoms())
def test_the_fold_does_not_depend_on_the_order_of_payments(total, payments, random):
    shuffled = list(payments)
    random.shuffle(shuffled)

    assert fold_payment_status(total, shuffled) == fold_payment_status(total, payments)


@given(st.integers(1, 200), st.lists(PAYMENTS, max_size=5))
def test_paid_means_captured_in_full_and_not_refunded(total, payments):
    captured = sum(payment.captured_minor for payment in payments)
    refunded = sum(payment.refunded_minor for payment in payments)

    is_paid = fold_payment_status(total, payments) == PaymentStatus.PAID

    assert is_paid == (captured >= total and refunded == 0)


@given(st.lists(PAYMENTS, max_size=5))
def test_committed_is_the_sum_over_the_payments(payments):
    assert fold_committed_minor(payments) == sum(payment.committed_minor for payment in payments)


def test_every_fulfilment_status_has_its_row_and_the_last_ones_lead_nowhere():
    assert set(FULFILMENT_TRANSITIONS) == set(FulfilmentStatus)
    assert not FULFILMENT_TRANSITIONS[FulfilmentStatus.CANCELLED]
    assert not FULFILMENT_TRANSITIONS[FulfilmentStatus.SHIPPED]
