"""A shop twice, in the database and in the model, both told the same and asked for the same answer."""

import uuid
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db import transaction
from hypothesis.stateful import RuleBasedStateMachine, initialize

from core.accounts.models import User
from core.catalog.models import Product
from core.catalog.services.products import add_product
from core.errors import AppError
from core.money import Money
from core.orders.services import payment_outcomes
from core.payments.gateways.protocol import GatewayResult, Outcome
from core.payments.models import PaymentOperation, Voucher
from core.payments.services import vouchers, wallets
from tests import played_provider
from tests.properties import order_model, shop_model
from tests.properties import payment_model as model

PRICE, STOCK, WALLET, VOUCHERS = 50, 12, 900, (300, 120)


class Shops(RuleBasedStateMachine):
    """One buyer with a wallet and two vouchers, and one product, in both of them."""

    # A control that breaks the code under test leaves nothing of it in the books.
    is_rolled_back = False

    @initialize()
    def open_shop(self) -> None:
        if self.is_rolled_back:
            self.transaction = transaction.atomic()
            self.transaction.__enter__()
        self.user = User.objects.create(email=f"{uuid.uuid4().hex}@example.org", password="!")
        wallets.open_wallet(user_id=self.user.id, currency="GBP")
        wallets.deposit(user_id=self.user.id, amount=Money(WALLET, "GBP"), provider=played_provider.NAME)
        self.product: Product = add_product(
            sku=f"test-{uuid.uuid4().hex[:12]}", name="Test", price=Money(PRICE, "GBP"), opening_stock=STOCK
        )
        self.vouchers = [self.issue_voucher(number, minor) for number, minor in enumerate(VOUCHERS)]
        self.shop = shop_model.Shop(
            wallet=model.Purse(WALLET),
            vouchers={one.code: model.Purse(one.issued_minor) for one in self.vouchers},
            stock=STOCK,
            price=PRICE,
        )
        self.order_ids: list[UUID] = []
        self.payment_ids: dict[int, UUID] = {}
        self.tokens = 0

    def issue_voucher(self, number: int, amount_minor: int) -> Voucher:
        """Random codes would put the same vouchers in another order each time an example is played again."""
        voucher = vouchers.issue(amount=Money(amount_minor, "GBP"), issued_by=self.user.id)
        voucher.code = f"{number}{voucher.code[1:]}"
        voucher.save(update_fields=["code"])
        return voucher

    def both(self, told: Callable[[], Any], done: Callable[[], Any]) -> None:
        """Tell the model and do it; both must agree on the answer, or on the code of the refusal."""
        assert _outcome(done, played_provider.parked()) == _outcome(told)

    def hear(
        self, order: order_model.Order, payment: model.Payment, operation: model.Operation, says: model.Says
    ) -> None:
        row = self.row_of(payment, operation)
        result = _result(row, says)
        self.both(
            lambda: self.shop.hear(order, payment, operation, says),
            lambda: payment_outcomes.record(operation_id=row.id, result=result),
        )

    def id_of(self, order: order_model.Order) -> UUID:
        return self.order_ids[next(at for at, one in enumerate(self.shop.orders) if one is order)]

    def payment_id(self, payment: model.Payment) -> UUID:
        return self.payment_ids[id(payment)]

    def row_of(self, payment: model.Payment, operation: model.Operation) -> PaymentOperation:
        place = next(at for at, one in enumerate(payment.operations) if one is operation)
        return self.rows_of(self.payment_id(payment))[place]

    @staticmethod
    def rows_of(payment_id: UUID) -> list[PaymentOperation]:
        return list(PaymentOperation.objects.filter(payment_id=payment_id).order_by("created_at", "id"))

    def payments(self, *preferred: str) -> list[tuple[order_model.Order, model.Payment]]:
        """Those in one of these states; all of them when there are none."""
        known = [(order, payment) for order in self.shop.orders for payment in order.payments]
        return [pair for pair in known if pair[1].state in preferred] or known

    def operations(self, *, is_open: bool = False) -> list[tuple[order_model.Order, model.Payment, model.Operation]]:
        return [
            (order, payment, operation)
            for order, payment in self.payments()
            for operation in payment.operations
            if payment.purse is None and (operation.is_open or not is_open)
        ]


def _outcome(act: Callable[[], Any], context: Any = None) -> Any:
    """What it answers (of services that answer with a row: nothing), or the code it is refused with."""
    try:
        if context is None:
            answer = act()
        else:
            with context:
                answer = act()
    except (model.Refused, AppError) as refusal:
        return refusal.code
    return answer if isinstance(answer, bool) else None


def _result(row: PaymentOperation, says: model.Says) -> GatewayResult:
    if says in ("succeeded", "other_amount"):
        amount_minor = row.amount_minor + (says == "other_amount")
        return GatewayResult(Outcome.SUCCEEDED, provider_ref=f"ref_{row.id.hex[:12]}", amount_minor=amount_minor)
    if says == "declined":
        return GatewayResult(
            Outcome.DECLINED, provider_ref="ref", decline_code="card_declined", amount_minor=row.amount_minor
        )
    outcomes = {"pending": Outcome.PENDING, "unknown": Outcome.UNKNOWN, "not_found": Outcome.NOT_FOUND}
    return GatewayResult(outcomes[says], provider_ref="ref" if says == "pending" else "")


def amount_of(share: str | None, limit: int) -> int | None:
    return {None: None, "all": limit, "part": limit // 2, "one": 1, "more": limit + 1}[share]
