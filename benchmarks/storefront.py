"""Users, wallets, products and draft orders, put into the database directly: what a burst of checkouts consumes."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import connection, transaction
from rest_framework_simplejwt.tokens import AccessToken

from core.accounts.models import User
from core.catalog.models import Product
from core.ids import new_id
from core.orders.imports.copying import copy_rows
from core.orders.models import Order, OrderLine
from core.payments.models import Wallet

CURRENCY = "GBP"
PRICE_MINOR = 250
OPENING_STOCK = 10_000_000
OPENING_BALANCE_MINOR = 1_000_000_000
LINES = 2


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
            User.objects.bulk_create(self._users, batch_size=1000)
            Wallet.objects.bulk_create(
                [
                    Wallet(user=user, currency=CURRENCY, balance_minor=OPENING_BALANCE_MINOR, held_minor=0)
                    for user in self._users
                ],
                batch_size=1000,
            )
            Product.objects.bulk_create(
                [
                    Product(
                        id=product_id,
                        sku=product_id.hex,
                        name="Bench product",
                        price_minor=PRICE_MINOR,
                        currency=CURRENCY,
                        stock=OPENING_STOCK,
                    )
                    for product_id in self._products
                ],
                batch_size=1000,
            )

    def drafts(self, count: int, *, hot: bool = False) -> list[PreparedOrder]:
        """So many draft orders, users in turn; with `hot`, each holds the same product beside another one."""
        orders = list(self._orders(count, hot))
        total_minor = LINES * PRICE_MINOR
        columns = "id user_id number currency total_minor committed_minor fulfilment_status payment_status seq".split()
        with transaction.atomic():
            copy_rows(
                table=Order._meta.db_table,
                columns=columns,
                rows=((o.id, o.user_id, "", CURRENCY, total_minor, 0, "draft", "unpaid", 0) for o in orders),
            )
            copy_rows(
                table=OrderLine._meta.db_table,
                columns="id order_id product_id position quantity unit_price_minor amount_minor".split(),
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


def settle_statistics(tables: Sequence[str] = ()) -> None:
    """Let the planner know the tables as they are now, which autovacuum would do a minute later."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE " + ", ".join(tables) if tables else "ANALYZE")
