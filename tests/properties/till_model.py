"""How the checkouts of the shop's model go on by themselves: what is held, taken and given back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.properties.order_model import Checkout, Order
from tests.properties.payment_model import (
    HELD,
    STORED_VALUE,
    TAKEN,
    Operation,
    Payment,
    Purse,
    Source,
    authorized,
    declined,
    refunded,
    refuse,
    voided,
)

AT_PROVIDER = ("submitted", "unknown", "accepted")


@dataclass
class Till:
    """The wallet, the vouchers and the stock that checkouts hold something of."""

    wallet: Purse
    vouchers: dict[str, Purse]
    stock: int

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
