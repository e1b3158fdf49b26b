"""Do the books agree? Orders, payments, wallets, stock and the providers' own log, each checked against the others.

Whether PostgreSQL and Cassandra agree is another question, answered by `manage.py ledger verify`.
Meant for a quiet system: an operation on its way shows as a break, which is what it is at that moment.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection


@dataclass(frozen=True, slots=True)
class Break:
    """One thing that does not add up: which rule, whose, and the figures."""

    rule: str
    subject: str
    detail: str

    def sentence(self) -> str:
        return f"{self.rule}: {self.subject}: {self.detail}"


# Rule → query of (subject, detail) rows; no row means that the rule holds.
_RULES: dict[str, str] = {
    "a paid order was captured for its total, any other not at all": """
        SELECT o.id::text, format('%s, total %s, captured %s', o.payment_status, o.total_minor,
                                  coalesce(sum(p.captured_minor), 0))
        FROM orders_order o LEFT JOIN payments_payment p ON p.order_id = o.id
        GROUP BY o.id
        HAVING coalesce(sum(p.captured_minor), 0) <> CASE o.payment_status WHEN 'paid' THEN o.total_minor ELSE 0 END
    """,
    "no order is left pending": """
        SELECT id::text, format('%s, %s', fulfilment_status, payment_status)
        FROM orders_order WHERE payment_status = 'pending' OR fulfilment_status = 'placed'
    """,
    "a wallet holds its deposits less what it paid": """
        SELECT w.id::text, format('holds %s, should hold %s', w.balance_minor, coalesce(sum(p.change), 0))
        FROM payments_wallet w LEFT JOIN (
            SELECT user_id, currency,
                   CASE payment_type WHEN 'deposit' THEN amount_minor ELSE refunded_minor - captured_minor END AS change
            FROM payments_payment WHERE payment_type IN ('deposit', 'wallet')
        ) p ON p.user_id = w.user_id AND p.currency = w.currency
        GROUP BY w.id HAVING w.balance_minor <> coalesce(sum(p.change), 0)
    """,
    # What an import sold is among the movements, so its orders (which have the seller's number) are not counted again.
    "stock is what was put in less what is sold or reserved": """
        SELECT product.sku, format('stock %s, movements %s, sold %s', product.stock, coalesce(moved.pieces, 0),
                                   coalesce(sold.pieces, 0))
        FROM catalog_product product
        LEFT JOIN (SELECT product_id, sum(quantity) AS pieces FROM catalog_stockmovement GROUP BY product_id) moved
               ON moved.product_id = product.id
        LEFT JOIN (SELECT line.product_id, sum(line.quantity) AS pieces
                   FROM orders_orderline line JOIN orders_order o ON o.id = line.order_id
                   WHERE o.number = '' AND o.fulfilment_status IN ('placed', 'confirmed', 'shipped')
                   GROUP BY line.product_id) sold ON sold.product_id = product.id
        WHERE product.stock <> coalesce(moved.pieces, 0) - coalesce(sold.pieces, 0)
    """,
    "a payment's events are dense, end at its seq and add up to its captured amount": """
        SELECT p.id::text, format('seq %s, events %s, last %s, captured %s, booked %s', p.seq, count(e.seq),
                                  max(e.seq), p.captured_minor,
                                  sum(e.amount_minor) FILTER (WHERE e.event_type = 'payments.payment.captured.v1'))
        FROM payments_payment p LEFT JOIN payments_paymentevent e ON e.payment_id = p.id
        GROUP BY p.id
        HAVING count(e.seq) <> p.seq OR max(e.seq) IS DISTINCT FROM p.seq
            OR coalesce(sum(e.amount_minor) FILTER (WHERE e.event_type = 'payments.payment.captured.v1'), 0)
               <> p.captured_minor
    """,
    "the postings of every event sum to zero": """
        SELECT e.payment_id::text || ':' || e.seq, e.postings::text
        FROM payments_paymentevent e
        WHERE (SELECT coalesce(sum(value::bigint), 0) FROM jsonb_each_text(e.postings)) <> 0
    """,
}


def breaks(provider_log: Iterable[Mapping[str, Any]], *, gateway: str) -> list[Break]:
    """Every break of every rule. `provider_log` is the provider's own record of the operations of `gateway`."""
    found: list[Break] = []
    with connection.cursor() as cursor:
        for rule, query in _RULES.items():
            cursor.execute(query)
            found.extend(Break(rule, subject, detail) for subject, detail in cursor.fetchall())
        cursor.execute(
            """
            SELECT operation.id::text, operation.state, operation.amount_minor, payment.captured_minor
            FROM payments_paymentoperation operation JOIN payments_payment payment ON payment.id = operation.payment_id
            WHERE operation.gateway = %s
            """,
            [gateway],
        )
        ours = {row[0]: (row[1], row[2], row[3]) for row in cursor.fetchall()}
    found.extend(_provider_breaks(ours, provider_log))
    return found


def _provider_breaks(
    ours: Mapping[str, tuple[str, int, int]], provider_log: Iterable[Mapping[str, Any]]
) -> Iterable[Break]:
    rule = "the provider charged what we captured, once, and nothing else"
    charged: dict[str, list[int]] = {}
    for record in provider_log:
        if record["type"] == "operation":
            charged.setdefault(record["operation_id"], []).append(record["charged_minor"])
    for operation_id in charged.keys() - ours.keys():
        yield Break(rule, operation_id, f"the provider charged {charged[operation_id]}, we know of no such operation")
    for operation_id, (state, amount_minor, captured_minor) in ours.items():
        theirs = charged.get(operation_id, [])
        expected = {"succeeded": ([amount_minor], amount_minor), "declined": ([0], 0)}.get(state)
        if (theirs, captured_minor) != expected:
            yield Break(rule, operation_id, f"{state}, we captured {captured_minor}, the provider charged {theirs}")
