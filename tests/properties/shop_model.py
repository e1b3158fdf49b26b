"""A shop's orders, checkouts, wallet, vouchers and stock as they should go: the rules once more, in plain Python.

Every act either changes the model or raises Refused with the code a client would see, and then changes nothing. Like
payment_model.py it imports nothing of the code it is held against.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal

from tests.properties.payment_model import (
    HELD,
    STORED_VALUE,
    TAKEN,
    UNDECIDED,
    Dispute,
    Operation,
    Payment,
    Purse,
    Says,
    Source,
    authorized,
    declined,
    leave_unknown,
    refunded,
    refuse,
    voided,
)

AT_PROVIDER = ("submitted", "unknown", "accepted")
ARRANGEMENT = ("voucher", "wallet", "boleto", "card")


@dataclass
class Checkout:
    payments: list[Payment]
    is_manual: bool
    state: str = "running"
    ends_as: str = "draft"


@dataclass
class Order:
    total: int
    pieces: int
    status: str = "draft"
    payments: list[Payment] = field(default_factory=list)
    checkouts: list[Checkout] = field(default_factory=list)

    @property
    def live(self) -> Checkout | None:
        return next((one for one in self.checkouts if one.state in ("running", "compensating")), None)

    @property
    def committed(self) -> int:
        return sum(one.amount if one.state in UNDECIDED else one.authorized for one in self.payments)

    @property
    def payment_status(self) -> str:
        captured = sum(one.captured for one in self.payments)
        refunded = sum(one.refunded for one in self.payments)
        if refunded:
            return "refunded" if refunded == captured else "partially_refunded"
        if captured == self.total:
            return "paid"
        if any(one.state in UNDECIDED or one.has_open("capture") for one in self.payments):
            return "pending"
        if captured:
            return "partially_paid"
        if sum(one.authorized for one in self.payments) == self.total:
            return "authorized"
        return "failed" if any(one.state == "failed" for one in self.payments) else "unpaid"


@dataclass
class Shop:
    """One buyer's wallet and vouchers, one product, and the orders of it."""

    wallet: Purse
    vouchers: dict[str, Purse]
    stock: int
    price: int
    orders: list[Order] = field(default_factory=list)

    # --- what buyers and merchants do

    def draft(self, pieces: int) -> Order:
        self.orders.append(Order(total=pieces * self.price, pieces=pieces))
        return self.orders[-1]

    def pay_by_wallet(self, order: Order) -> None:
        refuse(order.status != "draft", "order_not_draft")
        refuse(self.wallet.available < order.total, "insufficient_funds")
        refuse(self.stock < order.pieces, "out_of_stock")
        self.wallet.balance -= order.total
        payment = Payment(Source("wallet", order.total), "captured", self.wallet, order.total, order.total)
        payment.book("payment.captured", order.total)
        order.payments.append(payment)
        order.status = "confirmed"
        self.stock -= order.pieces

    def begin(self, order: Order, sources: Iterable[Source], *, is_manual: bool) -> None:
        arranged = sorted(sources, key=lambda one: (ARRANGEMENT.index(one.method), one.name))
        refuse(order.status != "draft", "order_not_draft")
        refuse(sum(one.amount for one in arranged) != order.total, "instruments_mismatch")
        refuse(len({(one.method, one.name) for one in arranged}) != len(arranged), "instruments_mismatch")
        for one in arranged:
            if one.method == "voucher":
                refuse(self.vouchers[one.name].available < one.amount, "voucher_insufficient")
            if one.method == "wallet":
                refuse(self.wallet.available < one.amount, "insufficient_funds")
        refuse(self.stock < order.pieces, "out_of_stock")
        checkout = Checkout([self._authorize(one) for one in arranged], is_manual)
        order.checkouts.append(checkout)
        order.payments.extend(checkout.payments)
        order.status = "placed"
        self.stock -= order.pieces
        self._go_on(order)

    def capture(self, order: Order, payment: Payment, amount: int | None, *, is_final: bool) -> None:
        refuse(order.status not in ("confirmed", "shipped"), "order_not_capturable")
        self._capture(payment, amount, is_final=is_final)
        self._go_on(order)

    def void(self, order: Order, payment: Payment) -> None:
        is_counted_on = order.status == "placed" and order.checkouts[-1].state == "running"
        refuse(is_counted_on, "operation_in_progress")
        self._void(payment)
        self._go_on(order)

    def refund(self, order: Order, payment: Payment, amount: int | None) -> None:
        self._refund(payment, amount)
        self._go_on(order)

    def cancel(self, order: Order) -> None:
        refuse(order.status in ("shipped", "cancelled"), "order_not_cancellable")
        if order.status == "draft":
            order.status = "cancelled"
            return
        checkout = order.live
        refuse(self._is_at_provider(order), "operation_in_progress")
        refuse(checkout is not None and checkout.state == "compensating", "operation_in_progress")
        if order.status == "placed":
            assert checkout is not None
            checkout.state, checkout.ends_as = "compensating", "cancelled"
            self._go_on(order)
            return
        held = [one for one in order.payments if one.state in HELD]
        refuse(any(one.has_open("capture", "void") for one in held), "operation_in_progress")
        if checkout is not None:
            checkout.state = "failed"
        for payment in order.payments:
            if payment.state in HELD:
                self._void(payment)
            if payment.refundable:
                self._refund(payment, None)
        order.status = "cancelled"
        self.stock += order.pieces

    def ship(self, order: Order) -> None:
        refuse(order.status != "confirmed" or order.payment_status != "paid", "order_not_shippable")
        refuse(any(payment.has_open("refund") for payment in order.payments), "order_not_shippable")
        order.status = "shipped"

    def expire(self, order: Order) -> bool:
        """Its deadline passes. False when a provider may hold money for it, or there is nothing to turn back."""
        checkout = order.live
        if order.status != "placed" or checkout is None or checkout.state != "running" or self._is_at_provider(order):
            return False
        checkout.state = "compensating"
        self._go_on(order)
        return True

    # --- what providers say

    def hear(self, order: Order, payment: Payment, operation: Operation, says: Says) -> bool:
        """The provider's word about an operation. False when it was settled before."""
        if not operation.is_open:
            # A repetition says nothing new; another word about money is for a person.
            if says in ("succeeded", "declined", "other_amount") and says != operation.state:
                operation.attention = "contradicted"
            if says == "pending" and operation.state == "canceled":
                operation.attention = "contradicted"
            return False
        if says in ("succeeded", "declined"):
            operation.state, operation.attention = says, ""
            self._settle(payment, operation)
        elif says == "pending":
            operation.state = "accepted"
            if operation.kind == "authorize" and payment.state != "requires_action":
                payment.state = "requires_action"
                payment.book("attempt.action_required", operation.amount)
        elif says == "not_found":
            if operation.state == "unknown":
                operation.state = "requested"
        else:
            if says == "other_amount":
                operation.attention = "amount_differs"
            leave_unknown(payment, operation)
        self._go_on(order)
        return True

    def hear_of_dispute(
        self, order: Order, payment: Payment, name: str, amount: int, says: Literal["open", "won", "lost"]
    ) -> bool:
        """A provider's notice. False when it changes nothing."""
        owner = next(
            (one for other in self.orders for one in other.payments if any(d.name == name for d in one.disputes)), None
        )
        fits = payment.purse is None and 0 < amount <= payment.captured - payment.disputed
        if owner is not None:
            fits = owner is payment
        if not fits:
            return False
        before = len(payment.events)
        dispute = next((one for one in payment.disputes if one.name == name), None)
        if dispute is None:
            dispute = Dispute(name, amount)
            payment.disputes.append(dispute)
            payment.disputed += amount
            payment.book("dispute.opened", amount)
        if says != "open" and dispute.state in ("open", "evidence_submitted"):
            dispute.state = says
            payment.disputed -= dispute.amount if says == "won" else 0
            payment.book(f"dispute.{says}", dispute.amount)
            give_back = min(dispute.amount, payment.refundable)
            if says == "won" and order.status == "cancelled" and give_back:
                self._refund(payment, give_back)
        return len(payment.events) > before

    def submit_evidence(self, payment: Payment, dispute: Dispute) -> None:
        refuse(dispute.state != "open", "dispute_closed")
        dispute.state = "evidence_submitted"
        payment.book("dispute.evidence_submitted", dispute.amount)

    # --- how it goes on

    def _authorize(self, source: Source) -> Payment:
        if source.method in STORED_VALUE:
            purse = self.wallet if source.method == "wallet" else self.vouchers[source.name]
            purse.held += source.amount
            payment = Payment(source, "authorized", purse, authorized=source.amount)
            payment.book("payment.authorized", source.amount)
        else:
            payment = Payment(source, "processing", None, operations=[Operation("authorize", source.amount)])
            payment.book("payment.created", source.amount)
        return payment

    def _go_on(self, order: Order) -> None:
        checkout = order.live
        if checkout is None:
            return
        if order.status == "placed" and checkout.state == "running":
            states = {payment.state for payment in checkout.payments}
            if states & {"failed", "canceled"}:
                checkout.state = "compensating"
            elif states == {"authorized"}:
                order.status = "confirmed"
                for payment in checkout.payments:
                    if not checkout.is_manual:
                        self._capture(payment, None, is_final=True)
        if checkout.state == "compensating":
            self._compensate(order, checkout)
        elif order.status == "confirmed" and (
            checkout.is_manual or not any(payment.state in HELD for payment in checkout.payments)
        ):
            checkout.state = "completed"

    def _compensate(self, order: Order, checkout: Checkout) -> None:
        for payment in checkout.payments:
            first = payment.operations[0] if payment.operations else None
            if payment.state == "processing" and first and first.state == "requested" and not first.attempts:
                first.state, payment.state = "canceled", "canceled"
                payment.book("payment.canceled", first.amount)
            if payment.state in HELD and not any(one.kind == "void" for one in payment.operations):
                self._void(payment)
        if all(payment.state in ("failed", "canceled") for payment in checkout.payments):
            checkout.state, order.status = "failed", checkout.ends_as
            self.stock += order.pieces

    def _capture(self, payment: Payment, amount: int | None, *, is_final: bool) -> None:
        refuse(payment.state not in HELD, "nothing_held")
        refuse(payment.has_open("void"), "operation_in_progress")
        left = payment.authorized - payment.captured - payment.pending("capture")
        asked = left if amount is None else amount
        refuse(not 0 < asked <= left, "capture_exceeds_authorization")
        self._ask(payment, Operation("capture", asked, is_final=is_final))

    def _void(self, payment: Payment) -> None:
        refuse(payment.state not in HELD, "nothing_held")
        refuse(payment.has_open("capture", "void"), "operation_in_progress")
        self._ask(payment, Operation("void", payment.authorized - payment.captured))

    def _refund(self, payment: Payment, amount: int | None) -> None:
        refuse(payment.state not in TAKEN, "nothing_to_refund")
        asked = payment.refundable if amount is None else amount
        refuse(not 0 < asked <= payment.refundable, "refund_exceeds_capture")
        payment.book("refund.requested", asked)
        self._ask(payment, Operation("refund", asked))

    def _ask(self, payment: Payment, operation: Operation) -> None:
        """Of a provider, who answers later; stored value moves at once."""
        payment.operations.append(operation)
        if payment.purse is not None:
            operation.state = "succeeded"
            self._settle(payment, operation)

    def _settle(self, payment: Payment, operation: Operation) -> None:
        effects: dict[tuple[str, str], Callable[[Payment, Operation], None]] = {
            ("authorize", "succeeded"): authorized,
            ("capture", "succeeded"): self._captured,
            ("void", "succeeded"): voided,
            ("refund", "succeeded"): refunded,
        }
        effects.get((operation.kind, operation.state), declined)(payment, operation)

    def _captured(self, payment: Payment, operation: Operation) -> None:
        payment.captured += operation.amount
        payment.state = "captured" if payment.captured == payment.authorized else "partially_captured"
        payment.book("payment.captured", operation.amount)
        if payment.purse is not None:
            payment.purse.balance -= operation.amount
            payment.purse.held -= operation.amount
        is_final = any(
            one.kind == "capture" and one.is_final and one.state == "succeeded" for one in payment.operations
        )
        if is_final and payment.state == "partially_captured" and not payment.has_open("capture"):
            self._void(payment)

    @staticmethod
    def _is_at_provider(order: Order) -> bool:
        return any(one.state in AT_PROVIDER for payment in order.payments for one in payment.operations)
