"""The two statements of a wallet checkout: one that locks and reads all it takes to decide, one that writes it all.

Row locks are taken in the order of architecture.md rule 1. Parts of a WITH clause run in no order of their own, so each
lock waits for the one before it through a condition: key → order → wallet in the first statement, everything else →
products in the second.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any

import orjson
from django.db import IntegrityError

from core.accounts.services.token_holder import ACCOUNT
from core.api import stored_answers
from core.catalog.services import stock
from core.db.prepared import Prepared
from core.db.rows import columns_of, from_json, insert_of
from core.db.short_transactions import ShortTransaction
from core.db.transactions import RunAgain
from core.orders.models import Order, OrderLine
from core.orders.services.transitions import CHANGED_FIELDS
from core.payments.models import Payment
from core.payments.services import booking
from core.payments.services.booking import BookingTime
from outbox import publishing

# What of a wallet can be spent.
AVAILABLE = "balance_minor - held_minor"
MESSAGES = 2
# Debit, payment, history, the messages, order, answer.
ROWS_WRITTEN = 5 + MESSAGES

ORDER_COLUMNS = columns_of(Order)

# The order is read twice, as the statement's snapshot has it and as it is once locked. Everything beside it is read
# by the snapshot, so when the two versions differ, all of it may be out of date and is read again.
_LOOK = Prepared(
    "wallet_checkout_look",
    f"""
WITH idempotency AS MATERIALIZED (
    SELECT {stored_answers.TRY_LOCK} AS is_locked
), account AS ({ACCOUNT}
), record AS MATERIALIZED (
    SELECT found.* FROM idempotency, LATERAL ({stored_answers.FIND}) AS found WHERE is_locked
), purchase AS MATERIALIZED (
    SELECT {", ".join(ORDER_COLUMNS)}, xmin AS version FROM orders_order
    WHERE id = %(order_id)s AND user_id = %(user_id)s
      AND (SELECT is_locked FROM idempotency) AND NOT EXISTS (SELECT FROM record)
    FOR NO KEY UPDATE
), wallet AS MATERIALIZED (
    SELECT {AVAILABLE} AS available_minor FROM payments_wallet
    WHERE user_id = %(user_id)s
      AND currency = (SELECT currency FROM purchase WHERE fulfilment_status = 'draft')
    FOR NO KEY UPDATE
), moment AS MATERIALIZED (
    -- The number first: the watermark sees every session that has one, so nothing is booked below it unseen.
    SELECT pg_current_xact_id() AS xact, clock_timestamp() AS booked_at FROM purchase
)
SELECT is_locked, account.is_active, account.password,
       record.fingerprint, record.status, record.body, record.location,
       wallet.available_minor, moment.booked_at,
       (SELECT bucket_count FROM payments_ledgercalendar
        WHERE booking_day <= (moment.booked_at AT TIME ZONE 'UTC')::date ORDER BY booking_day DESC LIMIT 1),
       version = (SELECT xmin FROM orders_order WHERE id = %(order_id)s) AS is_current,
       (SELECT json_agg(json_build_array(to_json(line), product.stock) ORDER BY line.position)::text
        FROM orders_orderline AS line JOIN catalog_product AS product ON product.id = line.product_id
        WHERE line.order_id = purchase.id),
       (SELECT json_agg(json_build_array(to_json(payment), recording.recorded_seq)
                        ORDER BY payment.created_at, payment.id)::text
        FROM payments_payment AS payment LEFT JOIN payments_paymentrecording AS recording
             ON recording.payment_id = payment.id
        WHERE payment.order_id = purchase.id),
       {", ".join(f"purchase.{column}" for column in ORDER_COLUMNS)}
FROM idempotency
     LEFT JOIN account ON true LEFT JOIN record ON true LEFT JOIN purchase ON true
     LEFT JOIN wallet ON true LEFT JOIN moment ON true
""",
)


def _named(template: str, prefix: str) -> str:
    """The template's placeholders %s as %(prefix_0)s, %(prefix_1)s and so on."""
    head, *rest = template.split("%s")
    return head + "".join(f"%({prefix}_{number})s{part}" for number, part in enumerate(rest))


def numbered(values: Any, prefix: str) -> dict[str, Any]:
    """The parameters that `_named` names."""
    return {f"{prefix}_{number}": value for number, value in enumerate(values)}


_WRITE = Prepared(
    "wallet_checkout_write",
    f"""
WITH debit AS (
    UPDATE payments_wallet SET balance_minor = balance_minor - %(amount_minor)s
    WHERE user_id = %(user_id)s AND currency = %(currency)s AND {AVAILABLE} >= %(amount_minor)s
    RETURNING 1
), payment AS (
    {insert_of(Payment, "payment")} RETURNING 1
), history AS (
    {booking.INSERT_HISTORY} VALUES {_named(booking.HISTORY_ROW, "history")} RETURNING 1
), messages AS (
    {_named(publishing.insert_of(MESSAGES), "message")} RETURNING 1
), purchase AS (
    UPDATE orders_order SET {", ".join(f"{name} = %(order_{name})s" for name in CHANGED_FIELDS)}
    WHERE id = %(order_id)s AND seq = %(order_seq)s - 1
    RETURNING 1
), answer AS (
    {stored_answers.STORE} RETURNING 1
), written AS MATERIALIZED (
    SELECT (SELECT count(*) FROM debit) + (SELECT count(*) FROM payment) + (SELECT count(*) FROM history)
         + (SELECT count(*) FROM messages) + (SELECT count(*) FROM purchase) + (SELECT count(*) FROM answer) AS rows
), {stock.taking(condition="(SELECT rows FROM written) > 0")}
-- COMMIT follows in the same message, so it is the statement that refuses to be committed half done.
SELECT CASE WHEN (SELECT rows FROM written) = {ROWS_WRITTEN}
             AND (SELECT count(*) FROM taken) = cardinality(%(product_ids)s)
       THEN true ELSE core_run_again() END
""",
)
_STORE = Prepared("wallet_checkout_refuse", stored_answers.STORE)


@dataclass(frozen=True, slots=True)
class Found:
    """What the first statement locked and read. Without an order there is none that the user may see."""

    is_locked: bool
    account: tuple[bool | None, str | None]
    record: tuple[Any, ...] | None
    available_minor: int | None
    order: Order | None
    time: BookingTime | None
    lines: list[OrderLine]
    stocks: list[int]
    payments: list[Payment]
    recorded_seqs: dict[Any, int]


def get_ready() -> None:
    """Prepare the statements in this session, before the transaction begins."""
    for statement in (_LOOK, _WRITE, _STORE):
        statement.ready()


def look(transaction: ShortTransaction, values: Mapping[str, Any]) -> Found:
    """Lock key, order and wallet, and read what decides. Raises RunAgain when the order changed meanwhile."""
    row = transaction.begin_with(_LOOK, values)
    (is_locked, is_active, password, fingerprint, status, body, location, available_minor, booked_at, buckets) = row[
        :10
    ]
    is_current, lines, payments, *order_values = row[10:]
    if is_current is False:
        raise RunAgain
    found_lines = orjson.loads(lines) if lines else []
    found_payments = orjson.loads(payments) if payments else []
    attempts = [from_json(Payment, payment) for payment, _ in found_payments]
    return Found(
        is_locked=is_locked,
        account=(is_active, password),
        record=None if status is None else (fingerprint, status, body, location),
        available_minor=available_minor,
        order=None if is_current is None else Order.from_db("default", ORDER_COLUMNS, order_values),
        time=None if booked_at is None else BookingTime(booked_at.astimezone(UTC), buckets),
        lines=[from_json(OrderLine, line) for line, _ in found_lines],
        stocks=[stock for _, stock in found_lines],
        payments=attempts,
        recorded_seqs={
            payment.id: seq for payment, (_, seq) in zip(attempts, found_payments, strict=True) if seq is not None
        },
    )


def store(transaction: ShortTransaction, values: Mapping[str, Any]) -> None:
    """Store and commit a refusal. Raises RunAgain when the key has an answer by now."""
    _end(transaction, _STORE, values)


def write(transaction: ShortTransaction, values: Mapping[str, Any]) -> None:
    """Write and commit the purchase. Raises RunAgain when the key has an answer by now; when the stock was sold
    meanwhile, what the server raises makes the transaction run again."""
    _end(transaction, _WRITE, values)


def _end(transaction: ShortTransaction, statement: Prepared, values: Mapping[str, Any]) -> None:
    try:
        transaction.end_with(statement, values)
    except IntegrityError as error:
        # The first statement's snapshot is older than its lock on the key: the answer came in between.
        if stored_answers.ONCE_PER_USER in str(error):
            raise RunAgain from error
        raise
