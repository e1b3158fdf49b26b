"""A checkout by wallet: one transaction of two statements, however much it decides and writes.

The first statement locks and reads; here it is decided; the second writes the answer with everything else. A refusal is
decided before anything was written, so it needs no savepoint. Only stock is not locked in between: when it is sold
meanwhile, the transaction rolls back and runs again, and then refuses. The SQL is in wallet_statements.py.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from core.accounts.services.token_holder import TokenHolder
from core.api.stored_answers import (
    Attempt,
    StoredAnswer,
    answer_values,
    is_kept,
    refuse_unless_locked,
    replay_of,
    values_of,
)
from core.clock import now
from core.db import rows
from core.db.prepared import array_of
from core.db.short_transactions import ShortTransaction, in_two_messages
from core.errors import AppError
from core.failpoints import failpoint
from core.money import Money
from core.orders.domain.order_state import FulfilmentStatus
from core.orders.errors import OutOfStock
from core.orders.events import ORDER, OrderPaid
from core.orders.locks import no_such_order
from core.orders.models import Order, OrderLine
from core.orders.services import transitions
from core.orders.services import wallet_statements as statements
from core.orders.services.checkout import require_payable
from core.orders.services.drafts import require_draft
from core.orders.services.wallet_statements import Found
from core.payments.domain.payment_state import EventType, PaymentType
from core.payments.models import Payment
from core.payments.services import payments, wallets
from core.payments.services.booking import Booking, BookingTime, entry_of
from outbox import doorbell, publishing
from outbox.publishing import Outgoing


@dataclass(frozen=True, slots=True)
class Purchase:
    """A paid order with its lines and all of its payments, and how far each of them is recorded."""

    order: Order
    lines: Sequence[OrderLine]
    payments: Sequence[Payment]
    recorded_seqs: dict[UUID, int]


class Answers(Protocol):
    """How what was decided is told: the answer is stored in the transaction, so it is rendered in there."""

    def require_match(self, purchase: Purchase) -> None:
        """Raise PreconditionFailed when the request was meant for the order as it was before."""

    def paid(self, purchase: Purchase) -> StoredAnswer: ...

    def refused(self, refusal: AppError) -> StoredAnswer: ...


def pay(*, order_id: UUID, holder: TokenHolder, attempt: Attempt, answers: Answers) -> StoredAnswer:
    """Debit the wallet, capture, confirm the order, take the stock and store the answer: all or nothing.

    Refusals that are kept are answers too. Idempotent by user and key. Raises AuthenticationFailed, KeyInFlight,
    KeyReused, Busy or DatabaseUnavailable, and then nothing has changed.
    """
    statements.get_ready()
    answer, is_new = in_two_messages(lambda transaction: _pay(transaction, order_id, holder, attempt, answers))
    failpoint("wallet_checkout.committed")
    if is_new:
        doorbell.ring()
    return answer


def _pay(
    transaction: ShortTransaction, order_id: UUID, holder: TokenHolder, attempt: Attempt, answers: Answers
) -> tuple[StoredAnswer, bool]:
    """The answer, and whether there are new events."""
    values = {**values_of(attempt), "order_id": order_id}
    found = statements.look(transaction, values)
    failpoint("wallet_checkout.looked")
    holder.require_account(*found.account)
    refuse_unless_locked(found.is_locked)
    if found.record is not None:
        return replay_of(attempt, found.record), False
    quantities = quantities_of(found.lines)
    try:
        order, time = _decide(order_id, found, quantities, answers)
    except AppError as refusal:
        if not is_kept(refusal):
            raise
        answer = answers.refused(refusal)
        statements.store(transaction, values | answer_values(answer))
        return answer, False
    payment, booking = payments.begun(
        event_type=EventType.CAPTURED,
        payment_type=PaymentType.WALLET,
        order_id=order.id,
        user_id=holder.id,
        amount=Money(order.total_minor, order.currency),
        time=time,
    )
    all_payments = [*found.payments, payment]
    transitions.enter(order, to=FulfilmentStatus.CONFIRMED, payments=all_payments)
    answer = answers.paid(Purchase(order, found.lines, all_payments, found.recorded_seqs))
    changes = _changes(order, payment, booking, quantities)
    failpoint("wallet_checkout.decided")
    statements.write(transaction, {**values, **answer_values(answer), **changes})
    return answer, True


def quantities_of(lines: Sequence[OrderLine]) -> Counter[UUID]:
    """Pieces of each product; a product may stand on several lines."""
    quantities: Counter[UUID] = Counter()
    for line in lines:
        quantities[line.product_id] += line.quantity
    return quantities


def _decide(order_id: UUID, found: Found, quantities: Counter[UUID], answers: Answers) -> tuple[Order, BookingTime]:
    """The order to be paid and when it is booked.

    Raises NotFound, PreconditionFailed, OrderNotDraft, EmptyOrder, InsufficientFunds, NoWallet or OutOfStock.
    """
    if found.order is None or found.time is None:
        raise no_such_order(order_id)
    answers.require_match(Purchase(found.order, found.lines, found.payments, found.recorded_seqs))
    require_draft(found.order)
    require_payable(found.order, quantities)
    wallets.require_cover(
        available_minor=found.available_minor, amount=Money(found.order.total_minor, found.order.currency)
    )
    in_stock = {line.product_id: pieces for line, pieces in zip(found.lines, found.stocks, strict=True)}
    missing = [product for product in sorted(quantities) if in_stock[product] < quantities[product]]
    if missing:
        raise OutOfStock.of(missing)
    return found.order, found.time


def _changes(order: Order, payment: Payment, booking: Booking, quantities: Counter[UUID]) -> dict[str, Any]:
    """The parameters of the second statement that say what the purchase changes."""
    entry = entry_of(booking)
    paid = Outgoing(ORDER, order.id, order.seq, transitions.event_of(order, OrderPaid, occurred_at=now()))
    messages = publishing.rows_of([entry.outgoing, paid])
    products = sorted(quantities)
    return {
        "amount_minor": order.total_minor,
        "currency": order.currency,
        **rows.values_of(payment, "payment"),
        **statements.numbered(entry.history_row, "history"),
        **statements.numbered([value for message in messages for value in message], "message"),
        **{f"order_{name}": getattr(order, name) for name in transitions.CHANGED_FIELDS},
        "product_ids": array_of(products),
        "quantities": array_of(quantities[product] for product in products),
    }
