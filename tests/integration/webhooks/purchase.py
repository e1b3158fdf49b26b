"""An order on a card whose provider, played by the test, has yet to say what becomes of it."""

from core.orders.domain.checkout_state import CaptureMethod
from core.payments.domain.operation_state import OperationKind
from core.payments.models import Payment
from tests.played_provider import begin, card, confirm, open_operation
from tests.storefront import Storefront, payments_of


class Purchase:
    """An order of 1000 on a card whose authorization the provider has not decided."""

    def __init__(self, capture_method: CaptureMethod = CaptureMethod.MANUAL) -> None:
        self.shop = Storefront()
        self.order_id = self.shop.order(self.shop.product(price_minor=1_000))
        begin(self.order_id, self.shop.user.id, card(), capture_method=capture_method)
        self.authorize = open_operation(self.payment(), OperationKind.AUTHORIZE)

    def payment(self) -> Payment:
        (payment,) = payments_of(self.order_id)
        return payment

    def captured(self) -> Payment:
        confirm(self.authorize)
        confirm(open_operation(self.payment(), OperationKind.CAPTURE))
        return self.payment()

    def state(self) -> str:
        self.authorize.refresh_from_db()
        return self.authorize.state
