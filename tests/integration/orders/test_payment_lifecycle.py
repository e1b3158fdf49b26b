"""Whatever buyers, merchants and providers do in whatever order, the database says what the model says."""

import pytest
from django.db import Error
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import initialize, run_state_machine_as_test

from core.errors import AppError
from core.orders.services import cancellations, payment_outcomes
from core.payments.domain.operation_state import OperationState
from core.payments.domain.payment_state import IllegalTransition
from core.payments.services import refunds
from tests.integration.orders.lifecycle.machine import Lifecycle
from tests.properties.payment_model import Source

# A failure prints the steps and a blob for @reproduce_failure.
BOUNDED = settings(
    max_examples=15,
    stateful_step_count=35,
    deadline=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)
FULL = settings(BOUNDED, max_examples=1_000, stateful_step_count=60)
# A control only has to fail; making its example small would take longer than finding it.
CONTROL = settings(BOUNDED, max_examples=60, phases=[Phase.generate], database=None, derandomize=True)


def test_payments_follow_the_model(provider):
    run_state_machine_as_test(Lifecycle, settings=BOUNDED)


@pytest.mark.full
@pytest.mark.timeout(7_200)
def test_payments_follow_the_model_at_length(provider):
    run_state_machine_as_test(Lifecycle, settings=FULL)


class Paid(Lifecycle):
    """Begins where refunds, disputes and cancelling do: with an order that a card and a voucher paid for."""

    is_rolled_back = True

    @initialize()
    def open_shop(self) -> None:
        super().open_shop()
        self.draft(6)
        order = self.shop.orders[0]
        self.begin_by(order, [Source("card", 200, "tok_first"), Source("voucher", 100, self.vouchers[0].code)])
        while waiting := self.operations(is_open=True):
            self.database_says_what_the_model_says()
            self.hear(*waiting[0], "succeeded")
        self.database_says_what_the_model_says()


def test_the_machine_of_the_controls_finds_nothing_in_what_is_whole(provider):
    run_state_machine_as_test(Paid, settings=settings(CONTROL, max_examples=8))


def record_what_was_settled_before(monkeypatch):
    monkeypatch.setattr(payment_outcomes, "OPEN_OPERATION_STATES", tuple(OperationState))


def forget_refunds_on_their_way(monkeypatch):
    monkeypatch.setattr(
        refunds,
        "refundable_minor",
        lambda payment: max(payment.captured_minor - payment.refunded_minor - payment.disputed_minor, 0),
    )


def keep_the_stock_of_cancelled_orders(monkeypatch):
    monkeypatch.setattr(cancellations.stock, "give_back", lambda quantities: None)


@pytest.mark.parametrize(
    "breaking",
    [
        record_what_was_settled_before,
        forget_refunds_on_their_way,
        keep_the_stock_of_cancelled_orders,
    ],
)
def test_the_machine_finds_what_is_broken(provider, monkeypatch, breaking):
    breaking(monkeypatch)

    with pytest.raises((AssertionError, IllegalTransition, AppError, Error)):
        run_state_machine_as_test(Paid, settings=CONTROL)
