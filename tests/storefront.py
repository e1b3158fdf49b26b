"""A storefront for tests: users with wallets, products, and purchases through the real HTTP API."""

import uuid
from typing import Any
from uuid import UUID

import httpx
from rest_framework_simplejwt.tokens import AccessToken

from core.accounts.models import User
from core.catalog.models import Product
from core.catalog.services.products import add_product
from core.env import env
from core.money import Money
from core.payments.models import Payment, PaymentEvent, PaymentRecording, Wallet
from core.payments.services import wallets
from tests.waiting import eventually


class Storefront:
    """One signed-in user and the API. Every instance is a new user."""

    def __init__(self, *, wallet_minor: int = 0) -> None:
        email = f"{uuid.uuid4().hex}@example.org"
        self.user = User.objects.create(email=email, password="!")
        if wallet_minor:
            wallets.open_wallet(user_id=self.user.id, currency="GBP")
            wallets.deposit(user_id=self.user.id, amount=Money(wallet_minor, "GBP"), provider="simulator")
        self.client = httpx.Client(
            base_url=f"{env.str('WEB_URL')}/api/v1/",
            timeout=30,
            headers={"Authorization": f"Bearer {AccessToken.for_user(self.user)}"},
        )

    def product(self, *, price_minor: int = 1250, stock: int = 100) -> Product:
        return add_product(
            sku=f"test-{uuid.uuid4().hex[:12]}",
            name="Test product",
            price=Money(price_minor, "GBP"),
            opening_stock=stock,
        )

    def order(self, product: Product, quantity: int = 1) -> str:
        answer = self.client.post("orders", json={"lines": [{"product_id": str(product.id), "quantity": quantity}]})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def checkout(
        self, order_id: str, *, method: str = "wallet", token: str | None = None, key: str | None = None
    ) -> httpx.Response:
        body: dict[str, Any] = {"method": method}
        if token:
            body["token"] = token
        headers = {"Idempotency-Key": key or uuid.uuid4().hex}
        return self.client.post(f"orders/{order_id}/checkout", json=body, headers=headers)

    def pay_by_card(self, order_id: str, token: str) -> httpx.Response:
        return self.checkout(order_id, method="card", token=token)

    def read(self, order_id: str) -> dict[str, Any]:
        answer = self.client.get(f"orders/{order_id}")
        assert answer.status_code == 200, answer.text
        document: dict[str, Any] = answer.json()
        return document

    def settled(self, order_id: str, *, seconds_max: float = 40.0) -> dict[str, Any]:
        """The order once it is no longer pending."""

        def probe() -> dict[str, Any] | None:
            order = self.read(order_id)
            return order if order["payment_status"] != "pending" else None

        return eventually(probe, seconds_max=seconds_max, what=f"order {order_id} is settled")

    def recorded(self, order_id: str, *, seconds_max: float = 60.0) -> dict[str, Any]:
        """The order once all of its payments are in Cassandra as they stand."""

        def probe() -> dict[str, Any] | None:
            order = self.read(order_id)
            return order if order["ledger"]["recorded"] else None

        return eventually(probe, seconds_max=seconds_max, what=f"order {order_id} is recorded")

    def balance_minor(self) -> int:
        return Wallet.objects.get(user=self.user).balance_minor


def payments_of(order_id: str) -> list[Payment]:
    return list(Payment.objects.filter(order_id=order_id).order_by("created_at"))


def events_of(order_id: str) -> list[str]:
    """Types of an order's payment events, in the order of booking."""
    events = PaymentEvent.objects.filter(order_id=order_id).order_by("booked_at")
    return [
        event_type.removeprefix("payments.").removesuffix(".v1")
        for event_type in events.values_list("event_type", flat=True)
    ]


def recorded_seq(payment_id: UUID) -> int:
    return PaymentRecording.objects.filter(pk=payment_id).values_list("recorded_seq", flat=True).first() or 0
