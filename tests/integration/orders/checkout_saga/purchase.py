"""An order that a wallet, a voucher and cards can pay for together."""

from core.money import Money
from core.orders.models import Checkout, Order
from core.orders.services.instruments import Instrument
from core.payments.domain.payment_state import PaymentType
from core.payments.models import Payment, Wallet
from core.payments.services import vouchers
from tests.storefront import Storefront


class Purchase:
    """An order of 1000, a wallet of 2000 and a voucher of 500."""

    def __init__(self) -> None:
        self.shop = Storefront(wallet_minor=2_000)
        self.product = self.shop.product(price_minor=500, stock=10)
        self.order_id = self.shop.order(self.product, quantity=2)
        self.voucher = vouchers.issue(amount=Money(500, "GBP"), issued_by=self.shop.user.id)

    def wallet(self, amount_minor: int) -> Instrument:
        return Instrument(PaymentType.WALLET, amount_minor)

    def by_voucher(self, amount_minor: int) -> Instrument:
        return Instrument(PaymentType.VOUCHER, amount_minor, code=self.voucher.code)

    def order(self) -> Order:
        return Order.objects.get(pk=self.order_id)

    def payment(self, payment_type: PaymentType) -> Payment:
        return Payment.objects.filter(order_id=self.order_id, payment_type=payment_type).latest("created_at")

    def checkout(self) -> Checkout:
        return Checkout.objects.filter(order_id=self.order_id).latest("created_at")

    def statuses(self) -> tuple[str, str]:
        order = self.order()
        return order.fulfilment_status, order.payment_status

    def held(self) -> tuple[int, int]:
        """What wallet and voucher hold."""
        self.voucher.refresh_from_db()
        return Wallet.objects.get(user=self.shop.user).held_minor, self.voucher.held_minor

    def balances(self) -> tuple[int, int]:
        self.voucher.refresh_from_db()
        return self.shop.balance_minor(), self.voucher.balance_minor

    def stock(self) -> int:
        self.product.refresh_from_db()
        return self.product.stock
