"""A provider played by the test: no worker touches its operations, and it says what the test lets it say."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

from django.db import transaction

from core.clock import now
from core.orders.domain.checkout_state import CaptureMethod
from core.orders.models import Order
from core.orders.services import checkout, payment_outcomes
from core.orders.services.instruments import Instrument
from core.payments.domain.operation_state import OPEN_OPERATION_STATES, OperationKind, OperationState
from core.payments.domain.payment_state import PaymentType
from core.payments.gateways.protocol import GatewayResult, Outcome
from core.payments.models import Payment, PaymentOperation

NAME = "nobody"
UNKNOWN = GatewayResult(Outcome.UNKNOWN)


def card(amount_minor: int = 0, *, token: str = "tok_approve") -> Instrument:
    return Instrument(PaymentType.CARD, amount_minor, token=token)


@contextmanager
def parked(*, order_id: str | UUID | None = None) -> Iterator[None]:
    """One transaction; what it asks of this provider is out of the workers' sight before it commits.

    Name the order when others are worked on at the same time: then only its operations are locked.
    """
    with transaction.atomic():
        yield
        waiting = PaymentOperation.objects.filter(gateway=NAME, state__in=OPEN_OPERATION_STATES)
        if order_id is not None:
            waiting = waiting.filter(payment__order_id=order_id)
        waiting.update(next_attempt_at=now() + timedelta(days=1))


def begin(
    order_id: str | UUID,
    user_id: UUID,
    *instruments: Instrument,
    capture_method: CaptureMethod = CaptureMethod.AUTOMATIC,
) -> Order:
    with parked():
        return checkout.begin(
            order_id=UUID(str(order_id)), user_id=user_id, instruments=instruments, capture_method=capture_method
        )


def open_operation(payment: Payment, kind: OperationKind) -> PaymentOperation:
    return PaymentOperation.objects.get(payment=payment, kind=kind, state__in=OPEN_OPERATION_STATES)


def answer(operation: PaymentOperation, result: GatewayResult) -> bool:
    with parked():
        return payment_outcomes.record(operation_id=operation.id, result=result)


def confirm(operation: PaymentOperation, *, amount_minor: int | None = None) -> bool:
    """Say that it was done, with the amount asked for unless another is given."""
    return answer(
        operation,
        GatewayResult(
            Outcome.SUCCEEDED,
            provider_ref=f"ref_{operation.id.hex[:12]}",
            amount_minor=operation.amount_minor if amount_minor is None else amount_minor,
        ),
    )


def decline(operation: PaymentOperation, *, code: str = "card_declined") -> bool:
    return answer(
        operation,
        GatewayResult(
            Outcome.DECLINED, provider_ref="ref_declined", decline_code=code, amount_minor=operation.amount_minor
        ),
    )


def submitted(operation: PaymentOperation) -> None:
    """As if a worker were calling the provider just now."""
    PaymentOperation.objects.filter(pk=operation.pk).update(
        state=OperationState.SUBMITTED, attempts=1, lease_until=now() + timedelta(days=1)
    )


def settle_everything() -> None:
    """Say yes to whatever is still asked of this provider, and look at what it left to a person.

    No order of the test stays pending, and what needs attention is only what other tests left.
    """
    while operation := PaymentOperation.objects.filter(gateway=NAME, state__in=OPEN_OPERATION_STATES).first():
        confirm(operation)
    PaymentOperation.objects.filter(gateway=NAME).exclude(attention="").update(attention="", attention_at=None)
