"""A shop's orders, checkouts, wallet, vouchers and stock as they should go: the rules once more, in plain Python.

Every act either changes the model or raises Refused with the code a client would see, and then changes nothing. Like
payment_model.py it imports nothing of the code it is held against.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from tests.properties.order_model import Checkout, Order
from tests.properties.payment_model import HELD, Dispute, Operation, Payment, Says, Source, leave_unknown, refuse
from tests.properties.till_model import Till

ARRANGEMENT = ("voucher", "wallet", "boleto", "card")


@dataclass
class Shop(Till):
    """One buyer's wallet and vouchers, one product, and the orders of it."""

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
