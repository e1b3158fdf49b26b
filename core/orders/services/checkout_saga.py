"""The checkout saga: how an order is paid by instruments that are held before they are taken.

    step                          compensation, before the pivot only
    reserve stock                 give it back; the order is a draft again (or cancelled)
    authorize every instrument    void what is held
    confirm                       none: the pivot
    capture each                  none: retried forward

A step is asked again whenever something was recorded, says how far it is, and asks for nothing twice. A compensation
is a void or a release, never a refund; one that fails is flagged for a person and the saga waits. Everything runs in
the transaction of whoever recorded something, under the order's lock; providers are asked after the commit.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import structlog

from core.catalog.services import stock
from core.clock import now
from core.orders.domain.checkout_state import LIVE_STATES, CaptureMethod, CheckoutState, Progress
from core.orders.domain.order_state import FulfilmentStatus
from core.orders.errors import OutOfStock
from core.orders.events import OrderCancelled, OrderConfirmed, OrderPlaced, OrderReopened
from core.orders.models import Checkout, Order
from core.orders.selectors.lines import quantities_of
from core.orders.services import transitions
from core.orders.services.instruments import Instrument, authorize
from core.payments.domain.operation_state import OperationKind, OperationState
from core.payments.domain.payment_state import HELD_STATES, PENDING_STATES, PaymentState
from core.payments.locks import lock_operation, lock_payments_of
from core.payments.models import Payment, PaymentOperation
from core.payments.selectors.operations import open_operations
from core.payments.services import authorizations, captures, voids

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Run:
    """A saga being moved on. `stock_change` is applied last, because products are the last locks before the commit."""

    order: Order
    checkout: Checkout
    instruments: Sequence[Instrument] = ()
    stock_change: Counter[UUID] = field(default_factory=Counter)

    def payments(self) -> list[Payment]:
        return lock_payments_of(self.order.id, checkout_id=self.checkout.id)


@dataclass(frozen=True, slots=True)
class Step:
    name: str
    action: Callable[[Run], Progress]
    compensation: Callable[[Run], Progress] | None = None


def reserve_stock(run: Run) -> Progress:
    run.stock_change.subtract(quantities_of(run.order.id))
    return Progress.DONE


def give_stock_back(run: Run) -> Progress:
    is_cancelled = run.checkout.ends_as == FulfilmentStatus.CANCELLED
    publish = OrderCancelled if is_cancelled else OrderReopened
    transitions.move(run.order, to=FulfilmentStatus(run.checkout.ends_as), publish=publish)
    run.stock_change.update(quantities_of(run.order.id))
    return Progress.DONE


def authorize_instruments(run: Run) -> Progress:
    if run.instruments:
        for instrument in run.instruments:
            authorize(instrument, order=run.order, checkout_id=run.checkout.id)
        run.instruments = ()
        transitions.move(run.order, to=FulfilmentStatus.PLACED, publish=OrderPlaced)
    states = {PaymentState(payment.state) for payment in run.payments()}
    if states & {PaymentState.FAILED, PaymentState.CANCELED}:
        return Progress.FAILED
    return Progress.WAITING if states & PENDING_STATES else Progress.DONE


def void_authorizations(run: Run) -> Progress:
    is_settled = True
    for payment in run.payments():
        if payment.state == PaymentState.PROCESSING:
            _give_up_unsubmitted(payment)
        if payment.state in HELD_STATES and not _was_asked(payment, OperationKind.VOID):
            voids.request(payment, reason="the checkout failed")
        is_settled = is_settled and payment.state in (PaymentState.FAILED, PaymentState.CANCELED)
    return Progress.DONE if is_settled else Progress.WAITING


def confirm(run: Run) -> Progress:
    transitions.move(run.order, to=FulfilmentStatus.CONFIRMED, publish=OrderConfirmed)
    return Progress.DONE


def capture_each(run: Run) -> Progress:
    if run.checkout.capture_method == CaptureMethod.MANUAL:
        return Progress.DONE
    is_taken = True
    for payment in run.payments():
        if payment.state in HELD_STATES and not _was_asked(payment, OperationKind.CAPTURE):
            captures.request(payment, amount_minor=None, is_final=True)
        is_taken = is_taken and payment.state not in HELD_STATES
    return Progress.DONE if is_taken else Progress.WAITING


STEPS = (
    Step("reserve stock", reserve_stock, give_stock_back),
    Step("authorize every instrument", authorize_instruments, void_authorizations),
    Step("confirm", confirm),
    Step("capture each", capture_each),
)


def start(*, order: Order, checkout: Checkout, instruments: Sequence[Instrument]) -> None:
    """Begin the saga of a locked draft order. Raises OutOfStock or what an instrument refuses with; then roll back."""
    _go_on(Run(order, checkout, instruments))


def advance(order: Order) -> None:
    """Go on with the order's live saga, if it has one, as far as what is recorded allows; then fold its payments."""
    checkout = Checkout.objects.filter(order_id=order.id, state__in=LIVE_STATES).first()
    if checkout is None:
        transitions.refold(order)
    else:
        _go_on(Run(order, checkout))


def compensate(*, order: Order, checkout: Checkout, ends_as: FulfilmentStatus) -> None:
    """Turn a running saga back from where it stands; the order ends as `ends_as`. Only before the pivot."""
    assert STEPS[checkout.step].compensation is not None, f"checkout {checkout.id} is past its pivot"
    checkout.state, checkout.ends_as = CheckoutState.COMPENSATING, ends_as
    _go_on(Run(order, checkout))


def _go_on(run: Run) -> None:
    _forward(run)
    _backward(run)
    if run.checkout.state not in LIVE_STATES:
        run.checkout.finished_at = now()
    run.checkout.save()
    transitions.refold(run.order)
    missing = stock.take({product: -change for product, change in run.stock_change.items()})
    if missing:
        raise OutOfStock.of(missing)


def _forward(run: Run) -> None:
    checkout = run.checkout
    while checkout.state == CheckoutState.RUNNING:
        progress = STEPS[checkout.step].action(run)
        log.info("checkout.step", order_id=str(run.order.id), step=STEPS[checkout.step].name, progress=str(progress))
        if progress == Progress.WAITING:
            return
        if progress == Progress.FAILED:
            checkout.state = CheckoutState.COMPENSATING
        elif checkout.step == len(STEPS) - 1:
            checkout.state = CheckoutState.COMPLETED
        else:
            checkout.step += 1


def _backward(run: Run) -> None:
    checkout = run.checkout
    while checkout.state == CheckoutState.COMPENSATING:
        step = STEPS[checkout.step]
        progress = step.compensation(run) if step.compensation else Progress.DONE
        log.info("checkout.compensation", order_id=str(run.order.id), step=step.name, progress=str(progress))
        if progress == Progress.WAITING:
            return
        if checkout.step == 0:
            checkout.state = CheckoutState.FAILED
        else:
            checkout.step -= 1


def _was_asked(payment: Payment, kind: OperationKind) -> bool:
    """Asked once: what the provider then refuses is a person's to repeat, not the saga's."""
    return PaymentOperation.objects.filter(payment_id=payment.id, kind=kind).exists()


def _give_up_unsubmitted(payment: Payment) -> None:
    waiting = open_operations(payment.id).filter(state=OperationState.REQUESTED, attempts=0).first()
    if waiting is not None:
        operation = lock_operation(waiting.id)
        # A worker may have taken it between the two statements; then the provider decides.
        if operation.state == OperationState.REQUESTED and operation.attempts == 0:
            authorizations.give_up(payment, operation)
