"""PaymentEvent is append-only by privilege, and partitions come by the owner's function alone."""

import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction

from core.clock import now
from core.payments.services import partitions
from tests.factories.ledger_events import fields, insert_history, own_noon, record
from tests.storefront import Storefront


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE payments_paymentevent SET amount_minor = 0",
        "DELETE FROM payments_paymentevent",
        "TRUNCATE payments_paymentevent",
        "DROP TABLE payments_paymentevent",
        "CREATE TABLE payments_paymentevent_199001 (LIKE payments_paymentevent)",
    ],
)
def test_the_application_cannot_touch_history(statement):
    with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"), transaction.atomic():
        connection.cursor().execute(statement)


@pytest.mark.parametrize("postings", [{"revenue": -1}, {"wallet_liability": 2, "revenue": -1}])
def test_the_table_refuses_postings_that_do_not_balance(postings):
    body = fields(booked_at=own_noon())

    with pytest.raises(IntegrityError, match="payment_event_balanced"), transaction.atomic():
        insert_history([body], postings=postings)
    insert_history([body])
    record([body])


def test_every_partition_holds_postings_to_balance():
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT c.relname FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid
            WHERE inhparent = 'payments_paymentevent'::regclass
              AND NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = c.oid AND convalidated
                              AND conname = 'payment_event_balanced')
            """
        )
        unguarded = cursor.fetchall()

    assert unguarded == []


def test_no_partition_can_be_changed_directly():
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT c.relname FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid
            WHERE inhparent = 'payments_paymentevent'::regclass
              AND (has_table_privilege(c.oid, 'UPDATE') OR has_table_privilege(c.oid, 'DELETE')
                   OR has_table_privilege(c.oid, 'TRUNCATE'))
            """
        )
        changeable = cursor.fetchall()
        cursor.execute("SELECT count(*) FROM pg_inherits WHERE inhparent = 'payments_paymentevent'::regclass")
        (partitions,) = cursor.fetchone()

    assert changeable == []
    assert partitions >= 24


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        ("UPDATE payments_wallet SET balance_minor = -1, held_minor = -1 WHERE user_id = %(user)s", "wallet_"),
        (
            "UPDATE payments_wallet SET held_minor = balance_minor + 1 WHERE user_id = %(user)s",
            "wallet_held_within_balance",
        ),
        ("UPDATE catalog_product SET stock = -1 WHERE id = %(product)s", "product_stock_not_negative"),
        (
            "UPDATE orders_order SET committed_minor = total_minor + 1 WHERE id = %(order)s",
            "order_committed_within_total",
        ),
        (
            "UPDATE payments_payment SET captured_minor = authorized_minor + 1 WHERE order_id = %(order)s",
            "payment_pending_within_totals",
        ),
        (
            "UPDATE payments_payment SET pending_capture_minor = 1 WHERE order_id = %(order)s",
            "payment_pending_within_totals",
        ),
        (
            "UPDATE payments_payment SET refunded_minor = 1, pending_refund_minor = captured_minor "
            "WHERE order_id = %(order)s",
            "payment_pending_within_totals",
        ),
        (
            "UPDATE payments_payment SET refunded_minor = -1 WHERE order_id = %(order)s",
            "payment_refunded_captured_authorized",
        ),
        (
            "UPDATE payments_payment SET disputed_minor = captured_minor + 1 WHERE order_id = %(order)s",
            "payment_disputed_within_captured",
        ),
    ],
)
def test_the_database_itself_refuses_impossible_money(statement, constraint):
    shop = Storefront(wallet_minor=5_000)
    product = shop.product()
    order_id = shop.order(product)
    shop.checkout(order_id)

    with pytest.raises(Exception, match=constraint), transaction.atomic():
        connection.cursor().execute(statement, {"user": shop.user.id, "product": product.id, "order": order_id})


def test_housekeeping_keeps_two_years_of_partitions_ahead_and_may_run_twice():
    for _ in range(2):
        partitions.ensure_ahead()

    today = now().date()
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [f"payments_paymentevent_{today.year + 2}{today:%m}"])
        assert cursor.fetchone() == (True,)
