"""What merchants do with payments and orders: capture, void, refund and ship."""

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from core.orders.services import payment_actions, shipping
from core.payments.models import Payment
from core.payments.services import recording
from tests.integration.orders.lifecycle.shops import Shops, amount_of
from tests.properties import payment_model as model


class Merchants(Shops):
    """A shop with somebody who sells in it."""

    @precondition(lambda self: self.payments())
    @rule(data=st.data(), share=st.sampled_from([None, "all", "part", "part", "one", "more"]), is_final=st.booleans())
    def capture(self, data: st.DataObject, share: str | None, is_final: bool) -> None:
        order, payment = data.draw(st.sampled_from(self.payments(*model.HELD)))
        left = payment.authorized - payment.captured - payment.pending("capture")
        amount = amount_of(share, left)
        self.both(
            lambda: self.shop.capture(order, payment, amount, is_final=is_final),
            lambda: payment_actions.capture(
                payment_id=self.payment_id(payment), amount_minor=amount, is_final=is_final
            ),
        )

    @precondition(lambda self: self.payments())
    @rule(data=st.data())
    def void(self, data: st.DataObject) -> None:
        order, payment = data.draw(st.sampled_from(self.payments(*model.HELD)))
        self.both(
            lambda: self.shop.void(order, payment),
            lambda: payment_actions.void(payment_id=self.payment_id(payment), reason="asked by the machine"),
        )

    @precondition(lambda self: self.payments())
    @rule(data=st.data(), share=st.sampled_from([None, "all", "part", "part", "one", "more"]))
    def refund(self, data: st.DataObject, share: str | None) -> None:
        order, payment = data.draw(st.sampled_from(self.payments(*model.TAKEN)))
        amount = amount_of(share, payment.refundable)
        self.both(
            lambda: self.shop.refund(order, payment, amount),
            lambda: payment_actions.refund(payment_id=self.payment_id(payment), amount_minor=amount, reason=""),
        )

    @precondition(lambda self: any(order.payment_status == "paid" for order in self.shop.orders))
    @rule(data=st.data())
    def ship(self, data: st.DataObject) -> None:
        order = data.draw(st.sampled_from(self.shop.orders))

        def ship() -> None:
            for payment in Payment.objects.filter(order_id=self.id_of(order)):
                recording.advance(pairs=[(payment.id, seq) for seq in range(1, payment.seq + 1)])
            shipping.ship(order_id=self.id_of(order))

        self.both(lambda: self.shop.ship(order), ship)
