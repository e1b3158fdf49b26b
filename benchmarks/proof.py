"""After a run: what was answered is what the books say. A figure whose proof fails is not printed."""

from collections import Counter
from collections.abc import Sequence
from uuid import UUID

from django.db import connection

from benchmarks.client import Outcome
from benchmarks.storefront import LINES, OPENING_BALANCE_MINOR, OPENING_STOCK, PRICE_MINOR, PreparedOrder
from core.orders.selectors import books


class Disproved(Exception):
    """The answers and the database do not agree: the run says nothing about speed."""


# Each finds those of the given orders for which something stands in the books.
_BOOKS = {
    "paid orders": "SELECT id FROM given JOIN orders_order USING (id) WHERE payment_status = 'paid'",
    "captured payments": """
        SELECT given.id FROM given JOIN payments_payment ON order_id = given.id WHERE state = 'captured'
    """,
    "booked events": """
        SELECT given.id FROM given JOIN payments_paymentevent ON order_id = given.id
        WHERE event_type = 'payments.payment.captured.v1'
    """,
    "messages of orders": "SELECT given.id FROM given JOIN outbox_event ON agg_key = given.id::text",
    "messages of payments": """
        SELECT given.id FROM given JOIN payments_payment AS payment ON order_id = given.id
               JOIN outbox_event ON agg_key = payment.id::text
    """,
    "stored answers": """
        SELECT given.id FROM given JOIN api_idempotencyrecord ON key = replace(given.id::text, '-', '')
        WHERE status = 200
    """,
}


def prove(orders: Sequence[PreparedOrder], outcome: Outcome) -> None:
    """Raise Disproved unless every accepted order, and no other of these, is paid, booked and told of once."""
    accepted = {UUID(name) for name, _ in outcome.accepted}
    if outcome.others or outcome.ran_out or len(accepted) != len(outcome.accepted):
        raise Disproved(f"other answers {outcome.others}, orders ran out: {outcome.ran_out}")
    ids = "{" + ",".join(str(order.id) for order in orders) + "}"
    with connection.cursor() as cursor:
        for what, query in _BOOKS.items():
            cursor.execute(f"WITH given AS (SELECT unnest(%s::uuid[]) AS id) {query}", [ids])
            _expect(what, accepted, [row[0] for row in cursor.fetchall()])


def prove_totals(orders: Sequence[PreparedOrder], accepted: Sequence[UUID]) -> None:
    """Raise Disproved unless stock and wallets went down by what all accepted orders of this database took."""
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


def prove_books() -> None:
    """Raise Disproved when any book of the application disagrees with another."""
    found = books.breaks([], gateway="simulator")
    if found:
        raise Disproved(f"the books disagree: {found[:3]}")


def _expect(what: str, expected: object, found: object) -> None:
    if isinstance(found, list):
        if len(found) != len(set(found)):
            raise Disproved(f"{what}: some twice")
        found = set(found)
    if found != expected:
        sizes = [len(value) for value in (expected, found) if isinstance(value, set | dict)]
        raise Disproved(f"{what}: expected and found differ ({sizes})")
