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
    "an order's payment status follows from what its payments took and gave back": """
        SELECT o.id::text, format('%s, total %s, captured %s, refunded %s', o.payment_status, o.total_minor,
                                  sum.captured, sum.refunded)
        FROM orders_order o CROSS JOIN LATERAL (
            SELECT coalesce(sum(captured_minor), 0) AS captured, coalesce(sum(refunded_minor), 0) AS refunded
            FROM payments_payment WHERE order_id = o.id) AS sum
        WHERE o.payment_status <> CASE
            WHEN sum.captured > 0 AND sum.refunded = sum.captured THEN 'refunded'
            WHEN sum.refunded > 0 THEN 'partially_refunded'
            WHEN sum.captured = o.total_minor AND sum.captured > 0 THEN 'paid'
            WHEN sum.captured > 0 THEN 'partially_paid'
            WHEN o.payment_status IN ('unpaid', 'failed', 'authorized') THEN o.payment_status
            ELSE 'nothing captured' END
           OR sum.captured > o.total_minor
    """,
    "a cancelled order keeps no money": """
        SELECT o.id::text, format('captured %s, refunded %s, disputed %s, held %s', sum(p.captured_minor),
                                  sum(p.refunded_minor), sum(p.disputed_minor),
                                  sum(p.authorized_minor - p.captured_minor))
        FROM orders_order o JOIN payments_payment p ON p.order_id = o.id
        WHERE o.fulfilment_status = 'cancelled'
        GROUP BY o.id HAVING sum(p.captured_minor - p.refunded_minor - p.disputed_minor) > 0
                          OR sum(p.authorized_minor - p.captured_minor) > 0
    """,
    "what an order's payments may take is its committed amount": """
        SELECT o.id::text, format('committed %s, payments %s', o.committed_minor, coalesce(sum(p.authorized_minor), 0))
        FROM orders_order o LEFT JOIN payments_payment p ON p.order_id = o.id
        GROUP BY o.id HAVING o.committed_minor <> coalesce(sum(p.authorized_minor), 0)
    """,
    "no order is left pending": """
        SELECT id::text, format('%s, %s', fulfilment_status, payment_status)
        FROM orders_order WHERE payment_status = 'pending' OR fulfilment_status = 'placed'
    """,
    "no checkout is left under way": """
        SELECT id::text, format('%s at step %s', state, step) FROM orders_checkout
        WHERE state IN ('running', 'compensating')
    """,
    "no operation is left open": """
        SELECT id::text, format('%s, %s', kind, state) FROM payments_paymentoperation
        WHERE state NOT IN ('succeeded', 'declined', 'canceled')
    """,
    "nothing is on its way on a payment at rest": """
        SELECT id::text, format('captures %s, refunds %s', pending_capture_minor, pending_refund_minor)
        FROM payments_payment WHERE pending_capture_minor <> 0 OR pending_refund_minor <> 0
    """,
    "a wallet holds its deposits less what it paid": """
        SELECT w.id::text, format('balance %s, should be %s; holds %s, should hold %s', w.balance_minor,
                                  coalesce(sum(p.change), 0), w.held_minor, coalesce(sum(p.held), 0))
        FROM payments_wallet w LEFT JOIN (
            SELECT user_id, currency,
                   CASE payment_type WHEN 'deposit' THEN amount_minor
                                     ELSE refunded_minor - captured_minor END AS change,
                   CASE payment_type WHEN 'deposit' THEN 0 ELSE authorized_minor - captured_minor END AS held
            FROM payments_payment WHERE payment_type IN ('deposit', 'wallet')
        ) p ON p.user_id = w.user_id AND p.currency = w.currency
        GROUP BY w.id HAVING w.balance_minor <> coalesce(sum(p.change), 0) OR w.held_minor <> coalesce(sum(p.held), 0)
    """,
    "a voucher holds its issue less what it paid": """
        SELECT v.id::text, format('balance %s of %s, should be %s; holds %s, should hold %s', v.balance_minor,
                                  v.issued_minor, coalesce(sum(p.change), 0), v.held_minor, coalesce(sum(p.held), 0))
        FROM payments_voucher v LEFT JOIN (
            SELECT voucher_id,
                   CASE payment_type WHEN 'voucher_issue' THEN amount_minor
                                     ELSE refunded_minor - captured_minor END AS change,
                   CASE payment_type WHEN 'voucher_issue' THEN 0 ELSE authorized_minor - captured_minor END AS held
            FROM payments_payment WHERE voucher_id IS NOT NULL
        ) p ON p.voucher_id = v.id
        GROUP BY v.id HAVING v.balance_minor <> coalesce(sum(p.change), 0) OR v.held_minor <> coalesce(sum(p.held), 0)
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
    "a payment's events are dense, end at its seq and add up to its totals": """
        SELECT p.id::text, format('seq %s, events %s, last %s; authorized %s, captured %s, refunded %s, disputed %s; '
                                  'events say %s, %s, %s, %s', p.seq, count(e.seq), max(e.seq), p.authorized_minor,
                                  p.captured_minor, p.refunded_minor, p.disputed_minor, sum(e.authorized),
                                  sum(e.captured), sum(e.refunded), sum(e.disputed))
        FROM payments_payment p LEFT JOIN (
            SELECT payment_id, seq,
                   CASE event_type WHEN 'payments.payment.authorized.v1' THEN amount_minor
                                   WHEN 'payments.payment.captured.v1'
                                   THEN CASE WHEN seq = 1 THEN amount_minor ELSE 0 END
                                   WHEN 'payments.payment.voided.v1' THEN -amount_minor
                                   WHEN 'payments.payment.remainder_released.v1' THEN -amount_minor
                                   ELSE 0 END AS authorized,
                   CASE event_type WHEN 'payments.payment.captured.v1' THEN amount_minor ELSE 0 END AS captured,
                   CASE event_type WHEN 'payments.refund.succeeded.v1' THEN amount_minor ELSE 0 END AS refunded,
                   CASE event_type WHEN 'payments.dispute.opened.v1' THEN amount_minor
                                   WHEN 'payments.dispute.won.v1' THEN -amount_minor ELSE 0 END AS disputed
            FROM payments_paymentevent) e ON e.payment_id = p.id
        GROUP BY p.id
        HAVING count(e.seq) <> p.seq OR max(e.seq) IS DISTINCT FROM p.seq
            OR sum(e.authorized) <> p.authorized_minor OR sum(e.captured) <> p.captured_minor
            OR sum(e.refunded) <> p.refunded_minor OR sum(e.disputed) <> p.disputed_minor
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
            "SELECT id::text, kind, state, amount_minor FROM payments_paymentoperation WHERE gateway = %s", [gateway]
        )
        ours = {row[0]: (row[1], row[2], row[3]) for row in cursor.fetchall()}
    found.extend(_provider_breaks(ours, provider_log))
    return found


def _provider_breaks(
    ours: Mapping[str, tuple[str, str, int]], provider_log: Iterable[Mapping[str, Any]]
) -> Iterable[Break]:
    rule = "the provider moved what we recorded, once, and nothing else"
    theirs: dict[str, list[tuple[str, int]]] = {}
    for record in provider_log:
        if record["type"] == "operation":
            theirs.setdefault(record["operation_id"], []).append((record["kind"], record["moved_minor"]))
    for operation_id in theirs.keys() - ours.keys():
        yield Break(rule, operation_id, f"the provider did {theirs[operation_id]}, we know of no such operation")
    for operation_id, (kind, state, amount_minor) in ours.items():
        expected = {"succeeded": [(kind, amount_minor)], "declined": [(kind, 0)], "canceled": []}.get(state)
        done = theirs.get(operation_id, [])
        if done != expected:
            yield Break(rule, operation_id, f"{kind} of {amount_minor} is {state}, the provider did {done}")
