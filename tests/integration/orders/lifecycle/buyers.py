"""What buyers do: they draft orders, pay for them from one to four sources, and cancel them."""

import json
import uuid
from itertools import pairwise

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import AccessToken

from core.orders.domain.checkout_state import CaptureMethod
from core.orders.services import cancellations, checkout
from core.orders.services.drafts import LineRequest, create_draft
from core.orders.services.instruments import Instrument
from core.payments.domain.payment_state import PaymentType
from tests.integration.orders.lifecycle.shops import Shops
from tests.properties import order_model
from tests.properties import payment_model as model

ORDERS_MAX = 4


class Buyers(Shops):
    """A shop with somebody who buys in it, up to four orders of its product."""

    @precondition(lambda self: len(self.shop.orders) < ORDERS_MAX)
    @rule(pieces=st.integers(1, 8))
    def draft(self, pieces: int) -> None:
        self.shop.draft(pieces)
        order = create_draft(user_id=self.user.id, lines=[LineRequest(self.product.id, pieces)])
        self.order_ids.append(order.id)

    @precondition(lambda self: self.shop.orders)
    @rule(data=st.data())
    def pay_by_wallet(self, data: st.DataObject) -> None:
        order = data.draw(st.sampled_from(self.shop.orders))
        self.both(
            lambda: self.shop.pay_by_wallet(order),
            lambda: self.check_out_by_wallet(order),
        )

    @precondition(lambda self: any(order.status == "draft" for order in self.shop.orders))
    @rule(data=st.data(), is_manual=st.booleans(), surplus=st.sampled_from([0] * 9 + [1]))
    def begin(self, data: st.DataObject, is_manual: bool, surplus: int) -> None:
        order = data.draw(st.sampled_from([order for order in self.shop.orders if order.status == "draft"]))
        self.begin_by(order, self.draw_sources(data, order.total + surplus), is_manual=is_manual)

    def begin_by(self, order: order_model.Order, sources: list[model.Source], *, is_manual: bool = False) -> None:
        method = CaptureMethod.MANUAL if is_manual else CaptureMethod.AUTOMATIC
        instruments = [
            Instrument(
                PaymentType(one.method),
                one.amount,
                token=one.name if one.method in ("card", "boleto") else "",
                code=one.name if one.method == "voucher" else "",
            )
            for one in sources
        ]
        self.both(
            lambda: self.shop.begin(order, sources, is_manual=is_manual),
            lambda: checkout.begin(
                order_id=self.id_of(order), user_id=self.user.id, instruments=instruments, capture_method=method
            ),
        )

    @precondition(lambda self: self.shop.orders)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        order = data.draw(st.sampled_from(self.shop.orders))
        self.both(lambda: self.shop.cancel(order), lambda: cancellations.cancel(order_id=self.id_of(order)))

    def check_out_by_wallet(self, order: order_model.Order) -> None:
        """Through the API, in this process and transaction: this checkout and its answer are one."""
        client = APIClient(
            HTTP_HOST="localhost",
            HTTP_AUTHORIZATION=f"Bearer {AccessToken.for_user(self.user)}",
            HTTP_IDEMPOTENCY_KEY=uuid.uuid4().hex,
        )
        answer = client.post(f"/api/v1/orders/{self.id_of(order)}/checkout", {"method": "wallet"}, format="json")
        if answer.status_code != 200:
            raise model.Refused(json.loads(answer.content)["code"])

    def draw_sources(self, data: st.DataObject, total: int) -> list[model.Source]:
        """One to four parts of the total, each from somewhere."""
        cuts = data.draw(st.lists(st.integers(1, total - 1), max_size=3, unique=True)) if total > 1 else []
        edges = [0, *sorted(cuts), total]
        free = ["wallet", *(voucher.code for voucher in self.vouchers)]
        sources = []
        for low, high in pairwise(edges):
            kind = data.draw(st.sampled_from(["card", "boleto", "stored"] if free else ["card", "boleto"]))
            name = free.pop(data.draw(st.integers(0, len(free) - 1))) if kind == "stored" else f"tok_{self.tokens}"
            self.tokens += kind != "stored"
            method = kind if kind != "stored" else ("wallet" if name == "wallet" else "voucher")
            sources.append(model.Source(method, high - low, "" if method == "wallet" else name))
        return sources
