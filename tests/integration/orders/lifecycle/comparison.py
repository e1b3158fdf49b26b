"""What must hold after every step: the database says what the model says."""

from collections import defaultdict
from typing import Any
from uuid import UUID

from hypothesis.stateful import invariant

from core.orders.models import Order
from core.payments.models import Voucher, Wallet
from tests import played_provider
from tests.integration.orders.lifecycle.rows import Rows
from tests.integration.orders.lifecycle.shops import VOUCHERS, WALLET, Shops
from tests.properties import payment_model as model


class Compared(Shops):
    """A shop whose database is held against its model."""

    @invariant()
    def database_says_what_the_model_says(self) -> None:
        if hasattr(self, "shop"):
            rows = Rows.of(self.user)
            self.pair_payments(rows)
            assert self.seen(rows) == self.expected()
            assert rows.accounts() == self.expected_accounts()

    def pair_payments(self, rows: "Rows") -> None:
        """Which row is which payment of the model: by order and instrument, the oldest first."""
        for order in self.shop.orders:
            waiting: dict[tuple[str, str], list[UUID]] = defaultdict(list)
            for row in rows.payments:
                if row.order_id == self.id_of(order):
                    waiting[row.payment_type, row.token or (row.voucher.code if row.voucher else "")].append(row.id)
            for payment in order.payments:
                same = waiting[payment.source.method, payment.source.name]
                assert same, f"no row for {payment.source}"
                self.payment_ids[id(payment)] = same.pop(0)
            assert not any(waiting.values()), "a payment the model knows nothing of"

    def seen(self, rows: "Rows") -> dict[str, Any]:
        wallet = Wallet.objects.get(user=self.user)
        self.product.refresh_from_db()
        orders = {order.id: order for order in Order.objects.filter(pk__in=self.order_ids)}
        return {
            "wallet": (wallet.balance_minor, wallet.held_minor),
            "vouchers": {
                one.code: (one.balance_minor, one.held_minor)
                for one in Voucher.objects.filter(pk__in=[voucher.id for voucher in self.vouchers])
            },
            "stock": self.product.stock,
            "orders": [
                (order.fulfilment_status, order.payment_status, order.committed_minor)
                for order in (orders[order_id] for order_id in self.order_ids)
            ],
            "payments": [rows.seen_payment(self.payment_id(payment)) for _, payment in self.payments()],
        }

    def expected(self) -> dict[str, Any]:
        for order in self.shop.orders:
            assert 0 <= order.committed <= order.total
        return {
            "wallet": (self.shop.wallet.balance, self.shop.wallet.held),
            "vouchers": {code: (purse.balance, purse.held) for code, purse in self.shop.vouchers.items()},
            "stock": self.shop.stock,
            "orders": [(order.status, order.payment_status, order.committed) for order in self.shop.orders],
            "payments": [
                {
                    "state": payment.state,
                    "totals": (payment.authorized, payment.captured, payment.refunded, payment.disputed),
                    "pending": (payment.pending("capture"), payment.pending("refund")),
                    "events": payment.events,
                    "operations": [(one.kind, one.amount, one.state, one.attention) for one in payment.operations],
                    "disputes": [(one.amount, one.state) for one in payment.disputes],
                }
                for _, payment in self.payments()
            ],
        }

    def expected_accounts(self) -> dict[str, int]:
        clearing = f"psp_clearing:{played_provider.NAME}"
        balances = model.accounts_after(
            (
                (payment.source.method, event, amount)
                for _, payment in self.payments()
                for event, amount in payment.events
            ),
            clearing=clearing,
        )
        for account, amount in {
            clearing: WALLET,
            "wallet_liability": -WALLET,
            "promotions": sum(VOUCHERS),
            "voucher_liability": -sum(VOUCHERS),
        }.items():
            balances[account] = balances.get(account, 0) + amount
        return {account: balance for account, balance in balances.items() if balance}
