"""Users, wallets, products and draft orders, put into the database directly: what a burst of checkouts consumes."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from rest_framework_simplejwt.tokens import AccessToken

from core.accounts.models import User
from core.catalog.models import Product, StockMovement
from core.clock import now
from core.ids import new_id
from core.money import Money
from core.orders.imports.copying import copy_rows
from core.orders.models import Order, OrderLine
from core.payments.domain.payment_state import EventType, PaymentType
from core.payments.models import Payment, Wallet
from core.payments.services.booking import book_many, next_booking_time
from core.payments.services.payments import begun

CURRENCY = "GBP"
PRICE_MINOR = 250
OPENING_STOCK = 10_000_000
OPENING_BALANCE_MINOR = 1_000_000_000
LINES = 2
BATCH_ROWS = 1_000
ORDER_COLUMNS = (
    "id",
    "user_id",
    "number",
    "currency",
    "total_minor",
    "committed_minor",
    "fulfilment_status",
    "payment_status",
    "seq",
)
LINE_COLUMNS = ("id", "order_id", "product_id", "position", "quantity", "unit_price_minor", "amount_minor")


@dataclass(frozen=True, slots=True)
class PreparedOrder:
    """A draft of two lines, one piece each, with the token of its user and the key to pay it under."""

    id: UUID
    user_id: UUID
    token: str
    key: str
    product_ids: tuple[UUID, UUID]


class Storefront:
    """Users and products of one run; drafts are made from them in any number."""

    def __init__(self, *, users: int, products: int) -> None:
        self._users = [User(id=new_id(), email=f"{new_id().hex}@bench.example", password="!") for _ in range(users)]
        self._tokens = [str(AccessToken.for_user(user)) for user in self._users]
        self._products = [new_id() for _ in range(products)]
        # One sequence of numbers for every run: the same orders meet the same products.
        self._random = random.Random(20)
        with transaction.atomic():
            User.objects.bulk_create(self._users, batch_size=BATCH_ROWS)
            self._fill_wallets()
            self._fill_shelves()

    def _fill_wallets(self) -> None:
        """A wallet for each user, with a deposit that explains what is in it."""
        time, amount = next_booking_time(), Money(OPENING_BALANCE_MINOR, CURRENCY)
        wallets = [Wallet(user=user, currency=CURRENCY, balance_minor=amount.amount_minor) for user in self._users]
        deposits = [
            begun(
                event_type=EventType.DEPOSIT_POSTED,
                payment_type=PaymentType.DEPOSIT,
                order_id=None,
                user_id=user.id,
                amount=amount,
                time=time,
                provider="simulator",
            )
            for user in self._users
        ]
        Wallet.objects.bulk_create(wallets, batch_size=BATCH_ROWS)
        Payment.objects.bulk_create([payment for payment, _ in deposits], batch_size=BATCH_ROWS)
        book_many([booking for _, booking in deposits])

    def _fill_shelves(self) -> None:
        """The products, with a movement that explains their stock."""
        products = [
            Product(
                id=product_id,
                sku=product_id.hex,
                name="Bench product",
                price_minor=PRICE_MINOR,
                currency=CURRENCY,
                stock=OPENING_STOCK,
            )
            for product_id in self._products
        ]
        openings = [
            StockMovement(
                product=product,
                quantity=OPENING_STOCK,
                reason=StockMovement.Reason.OPENING,
                reference=product.sku,
                occurred_at=now(),
            )
            for product in products
        ]
        Product.objects.bulk_create(products, batch_size=BATCH_ROWS)
        StockMovement.objects.bulk_create(openings, batch_size=BATCH_ROWS)

    def drafts(self, count: int, *, hot: bool = False) -> list[PreparedOrder]:
        """So many draft orders, users in turn; with `hot`, each holds the same product beside another one."""
        orders = list(self._orders(count, hot))
        total_minor = LINES * PRICE_MINOR
        with transaction.atomic():
            copy_rows(
                table=Order._meta.db_table,
                columns=ORDER_COLUMNS,
                rows=((o.id, o.user_id, "", CURRENCY, total_minor, 0, "draft", "unpaid", 0) for o in orders),
            )
            copy_rows(
                table=OrderLine._meta.db_table,
                columns=LINE_COLUMNS,
                rows=(
                    (new_id(), order.id, product_id, position, 1, PRICE_MINOR, PRICE_MINOR)
                    for order in orders
                    for position, product_id in enumerate(order.product_ids, start=1)
                ),
            )
        return orders

    def _orders(self, count: int, hot: bool) -> Iterator[PreparedOrder]:
        hot_product, others = self._products[0], self._products[1:]
        for number in range(count):
            user = number % len(self._users)
            first, second = self._random.sample(others, 2)
            identity = new_id()
            yield PreparedOrder(
                id=identity,
                user_id=self._users[user].id,
                token=self._tokens[user],
                key=identity.hex,
                product_ids=(hot_product if hot else first, second),
            )
