"""After a run: what was answered is what the books say. A figure whose proof fails is not printed."""

from collections import Counter
from collections.abc import Sequence
from uuid import UUID

from django.db import connection

from benchmarks.client import Outcome
from benchmarks.storefront import LINES, OPENING_BALANCE_MINOR, OPENING_STOCK, PRICE_MINOR, PreparedOrder


class Disproved(Exception):
    """The answers and the database do not agree: the run says nothing about speed."""


def prove(orders: Sequence[PreparedOrder], outcome: Outcome) -> None:
    """Raise Disproved unless every accepted order, and no other of these, is paid, booked, announced and stored once."""
    accepted = {UUID(name) for name, _ in outcome.accepted}
    if outcome.others or outcome.ran_out or len(accepted) != len(outcome.accepted):
        raise Disproved(f"other answers {outcome.others}, orders ran out: {outcome.ran_out}")
    ids = "{" + ",".join(str(order.id) for order in orders) + "}"
    _expect("paid orders", accepted, _column("SELECT id FROM orders_order WHERE payment_status = 'paid'", ids))
    for what, query in {
        "captured payments": "SELECT order_id FROM payments_payment WHERE state = 'captured'",
        "booked events": "SELECT order_id FROM payments_paymentevent WHERE event_type = 'payments.payment.captured.v1'",
        "messages of orders": "SELECT agg_key::uuid FROM outbox_event WHERE topic = 'orders.order'",
        "messages of payments": """
            SELECT payment.order_id FROM outbox_event JOIN payments_payment AS payment ON payment.id::text = agg_key
            WHERE topic = 'payments.payment'
        """,
        "stored answers": "SELECT key::uuid FROM api_idempotencyrecord WHERE status = 200",
    }.items():
        _expect(what, accepted, _column(query, ids))


def prove_totals(orders: Sequence[PreparedOrder], accepted: Sequence[UUID]) -> None:
    """Raise Disproved unless stock and wallets went down by exactly what all accepted orders of this stack took."""
    by_id = {order.id: order for order in orders}
    sold = Counter(product_id for identity in accepted for product_id in by_id[identity].product_ids)
    spent = Counter(by_id[identity].user_id for identity in accepted)
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, %s - stock FROM catalog_product WHERE stock <> %s", [OPENING_STOCK, OPENING_STOCK])
        _expect("pieces sold", dict(sold), dict(cursor.fetchall()))
        cursor.execute(
            "SELECT user_id, %s - balance_minor FROM payments_wallet WHERE balance_minor <> %s",
            [OPENING_BALANCE_MINOR, OPENING_BALANCE_MINOR],
        )
        totals = {user_id: count * LINES * PRICE_MINOR for user_id, count in spent.items()}
        _expect("money spent", totals, dict(cursor.fetchall()))


def _column(query: str, ids: str) -> list[UUID]:
    """The order ids a query finds, of those given."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT found.id FROM ({query}) AS found (id) JOIN unnest(%s::uuid[]) AS given (id) USING (id)", [ids]
        )
        return [row[0] for row in cursor.fetchall()]


def _expect(what: str, expected: object, found: object) -> None:
    if isinstance(found, list):
        if len(found) != len(set(found)):
            raise Disproved(f"{what}: some twice")
        found = set(found)
    if found != expected:
        sizes = [len(value) for value in (expected, found) if isinstance(value, set | dict)]
        raise Disproved(f"{what}: expected and found differ ({sizes})")
