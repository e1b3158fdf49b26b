"""A buyer who is staff too: pays with several instruments, captures, voids and refunds through the real HTTP API."""

import uuid
from typing import Any

import httpx

from core.payments.domain.operation_state import OPEN_OPERATION_STATES
from core.payments.models import Payment, PaymentOperation
from tests.storefront import Storefront, payments_of
from tests.waiting import eventually


class Merchant(Storefront):
    """One user, member of staff, with a wallet."""

    def __init__(self, *, wallet_minor: int = 0) -> None:
        super().__init__(wallet_minor=wallet_minor)
        type(self.user).objects.filter(pk=self.user.pk).update(is_staff=True)

    def post(self, path: str, body: dict[str, Any] | None = None, *, key: str | None = None) -> httpx.Response:
        return self.client.post(path, json=body or {}, headers={"Idempotency-Key": key or uuid.uuid4().hex})

    def pay(
        self, order_id: str, *instruments: dict[str, Any], capture_method: str = "automatic", key: str | None = None
    ) -> httpx.Response:
        body = {"instruments": list(instruments), "capture_method": capture_method}
        return self.post(f"orders/{order_id}/payments", body, key=key)

    def cancel(self, order_id: str, *, key: str | None = None) -> httpx.Response:
        return self.post(f"orders/{order_id}/cancel", key=key)

    def ship(self, order_id: str) -> httpx.Response:
        return self.client.post(f"orders/{order_id}/ship")

    def act(self, payment: Payment, what: str, *, key: str | None = None, **body: Any) -> httpx.Response:
        """`what` is capture, void or refunds."""
        return self.post(f"payments/{payment.id}/{what}", body, key=key)

    def voucher(self, amount_minor: int) -> str:
        """The code of a new voucher."""
        answer = self.post("vouchers", {"amount_minor": amount_minor, "currency": "GBP"})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["code"])

    def paid(self, method: str, token: str = "", *, price_minor: int = 1_000) -> Payment:
        """The payment of a new order that is paid in full by this method."""
        order_id = self.order(self.product(price_minor=price_minor))
        answer = self.checkout(order_id, method=method, token=token or None)
        assert answer.status_code in (200, 202), answer.text
        assert self.settled(order_id)["payment_status"] == "paid"
        (payment,) = payments_of(order_id)
        return payment

    def held(self, token: str = "tok_approve", *, price_minor: int = 1_000) -> Payment:
        """The payment of a new order that a card is authorized for and nothing is captured of."""
        order_id = self.order(self.product(price_minor=price_minor))
        card = {"method": "card", "amount_minor": price_minor, "token": token}
        assert self.pay(order_id, card, capture_method="manual").status_code == 202
        assert self.settled(order_id)["payment_status"] == "authorized"
        (payment,) = payments_of(order_id)
        return payment


def at_rest(payment: Payment, *, seconds_max: float = 60.0) -> Payment:
    """The payment once no operation of it is open."""

    def probe() -> bool:
        return not PaymentOperation.objects.filter(payment=payment, state__in=OPEN_OPERATION_STATES).exists()

    eventually(probe, seconds_max=seconds_max, what=f"nothing is under way on payment {payment.id}")
    payment.refresh_from_db()
    return payment


def operations_of(payment: Payment, kind: str) -> list[tuple[str, int]]:
    """State and amount of the payment's operations of one kind, the oldest first."""
    rows = PaymentOperation.objects.filter(payment=payment, kind=kind).order_by("created_at", "id")
    return list(rows.values_list("state", "amount_minor"))


def card(amount_minor: int, token: str = "tok_approve") -> dict[str, Any]:
    return {"method": "card", "amount_minor": amount_minor, "token": token}


def wallet(amount_minor: int) -> dict[str, Any]:
    return {"method": "wallet", "amount_minor": amount_minor}


def voucher(amount_minor: int, code: str) -> dict[str, Any]:
    return {"method": "voucher", "amount_minor": amount_minor, "code": code}
