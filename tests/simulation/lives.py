"""Random lives of payments, by the project's own table of transitions and chart of accounts."""

import random
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from core.payments.domain.accounts import ADJUSTMENTS, REVENUE, move, postings_of
from core.payments.domain.payment_state import PAYMENT_TRANSITIONS, EventType, PaymentState, PaymentType, next_state
from core.payments.models import Payment

_FIRST: Mapping[PaymentType, EventType] = {
    PaymentType.WALLET: EventType.CAPTURED,
    PaymentType.VOUCHER: EventType.AUTHORIZED,
    PaymentType.CARD: EventType.CREATED,
    PaymentType.BOLETO: EventType.CREATED,
    PaymentType.IMPORTED: EventType.CAPTURED,
    PaymentType.DEPOSIT: EventType.DEPOSIT_POSTED,
    PaymentType.VOUCHER_ISSUE: EventType.VOUCHER_ISSUED,
    PaymentType.CREDIT: EventType.CREDIT_POSTED,
    PaymentType.ADJUSTMENT: EventType.ADJUSTMENT_POSTED,
}
NOT_YET = ""
_AT_PROVIDERS = (PaymentType.CARD, PaymentType.BOLETO, PaymentType.DEPOSIT)
_LIVELY = (PaymentType.CARD, PaymentType.WALLET, PaymentType.BOLETO, PaymentType.VOUCHER)


def new_payment(rng: random.Random, *, users: list[UUID]) -> Payment:
    """A payment that has not happened yet: state NOT_YET, seq 0."""
    kind = rng.choice([*_LIVELY, *_LIVELY, *PaymentType])
    payment_id = random_id(rng)
    return Payment(
        id=payment_id,
        order_id=random_id(rng) if kind in PROPER else payment_id,
        user_id=rng.choice(users),
        payment_type=kind,
        state=NOT_YET,
        seq=0,
        currency=rng.choice(["GBP", "EUR", "JPY"]),
        amount_minor=rng.choice([1, 99, 1250, rng.randint(1, 10**9)]),
        provider="simulator" if kind in _AT_PROVIDERS else "",
        provider_ref=f"ref_{rng.randrange(10**6)}" if kind in _AT_PROVIDERS and rng.random() < 0.8 else "",
        region=rng.choice(["GB", "France", "Côte d'Ivoire", ""]),
    )


PROPER = frozenset(_LIVELY) | {PaymentType.IMPORTED}


def next_event(rng: random.Random, payment: Payment) -> dict[str, Any] | None:
    """Move the payment on by one event and say how to book it; None when its life is over."""
    if payment.state == NOT_YET:
        event, amount = _FIRST[PaymentType(payment.payment_type)], payment.amount_minor
    else:
        amounts = {
            event: _amount(rng, payment, event) for state, event in PAYMENT_TRANSITIONS if state == payment.state
        }
        possible = [(event, amount) for event, amount in amounts.items() if amount]
        if not possible:
            return None
        event, amount = rng.choice(possible)
    _apply(payment, event, amount)
    if payment.provider and rng.random() < 0.3:
        payment.provider_ref = f"ref_{rng.randrange(10**6)}"
    postings = (
        move(amount, debit=ADJUSTMENTS, credit=REVENUE)
        if event == EventType.ADJUSTMENT_POSTED
        else postings_of(event, PaymentType(payment.payment_type), amount, payment.provider)
    )
    return {
        "event_type": event,
        "amount_minor": amount,
        "postings": postings,
        "object_id": random_id(rng) if rng.random() < 0.5 else None,
    }


def random_id(rng: random.Random) -> UUID:
    return UUID(int=rng.getrandbits(128), version=4)


def _amount(rng: random.Random, payment: Payment, event: EventType) -> int:
    """An amount the payment allows this event; 0 when it allows none."""
    refundable = payment.captured_minor - payment.refunded_minor - payment.disputed_minor
    most = {
        EventType.CAPTURED: payment.authorized_minor - payment.captured_minor,
        EventType.REMAINDER_RELEASED: payment.authorized_minor - payment.captured_minor,
        EventType.VOIDED: payment.authorized_minor,
        EventType.REFUND_SUCCEEDED: refundable,
        EventType.DISPUTE_OPENED: refundable,
        EventType.DISPUTE_WON: payment.disputed_minor,
        EventType.DISPUTE_LOST: payment.disputed_minor,
    }.get(event, payment.amount_minor)
    whole = event in (EventType.VOIDED, EventType.REMAINDER_RELEASED, EventType.AUTHORIZED)
    return most if whole or most < 2 or rng.random() < 0.5 else rng.randint(1, most)


def _apply(payment: Payment, event: EventType, amount: int) -> None:
    if event == EventType.AUTHORIZED or (event == EventType.CAPTURED and payment.state == NOT_YET):
        payment.authorized_minor = amount
    match event:
        case EventType.CAPTURED:
            payment.captured_minor += amount
        case EventType.VOIDED | EventType.REMAINDER_RELEASED:
            payment.authorized_minor -= amount
        case EventType.REFUND_SUCCEEDED:
            payment.refunded_minor += amount
        case EventType.DISPUTE_OPENED:
            payment.disputed_minor += amount
        case EventType.DISPUTE_WON:
            payment.disputed_minor -= amount
    before = None if payment.state == NOT_YET else PaymentState(payment.state)
    payment.state = next_state(before, event, remainder_minor=payment.authorized_minor - payment.captured_minor)
