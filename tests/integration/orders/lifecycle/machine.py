"""A machine that does to real orders and to their model whatever buyers, merchants and providers can do, in any order.

After every step the database must say what the model says: see tests/properties/shop_model.py and payment_model.py.
"""

from django.db import transaction

from core.orders.services import payment_actions
from tests.integration.orders.lifecycle.buyers import Buyers
from tests.integration.orders.lifecycle.comparison import Compared
from tests.integration.orders.lifecycle.merchants import Merchants
from tests.integration.orders.lifecycle.providers import Providers
from tests.properties import order_model
from tests.properties import payment_model as model


class Lifecycle(Buyers, Merchants, Providers, Compared):
    """One buyer with a wallet and two vouchers, one product, up to four orders of it."""

    def teardown(self) -> None:
        """Leaves nothing under way, through the same rules: the books are checked after all tests."""
        try:
            if hasattr(self, "shop") and not self.is_rolled_back:
                self.come_to_rest()
        finally:
            if self.is_rolled_back and hasattr(self, "transaction"):
                transaction.set_rollback(True)
                self.transaction.__exit__(None, None, None)

    def come_to_rest(self) -> None:
        for _ in range(100):
            if waiting := self.operations(is_open=True):
                self.hear(*waiting[0], "succeeded")
            elif unfinished := self.unfinished():
                self.repeat(*unfinished)
            else:
                break
            self.database_says_what_the_model_says()
        assert not any(order.status == "placed" or order.live for order in self.shop.orders)

    def repeat(self, order: order_model.Order, payment: model.Payment) -> None:
        payment_id = self.payment_id(payment)
        if payment.state in model.HELD:
            self.both(
                lambda: self.shop.void(order, payment),
                lambda: payment_actions.void(payment_id=payment_id, reason="asked again"),
            )
        else:
            self.both(
                lambda: self.shop.refund(order, payment, None),
                lambda: payment_actions.refund(payment_id=payment_id, amount_minor=None, reason="asked again"),
            )

    def unfinished(self) -> tuple[order_model.Order, model.Payment] | None:
        """What a provider refused and a person would now repeat."""
        for order, payment in self.payments():
            is_waited_for = order.live is not None or order.status == "cancelled"
            if payment.state in model.HELD and is_waited_for:
                return order, payment
            if order.status == "cancelled" and payment.refundable:
                return order, payment
        return None
