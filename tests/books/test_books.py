"""After everything the other tests did: money, stock, the provider's log and both stores agree."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from core.catalog.models import Product
from core.money import Money
from core.orders.selectors import books
from core.payments.services import vouchers
from deploy.demo.verdict import provider_log
from payments_ledger import history
from payments_ledger.reconciliation.verify import verify
from tests.storefront import Storefront
from tests.waiting import eventually


def test_all_books_agree_after_the_whole_run():
    eventually(lambda: not books.breaks(provider_log(), gateway="simulator"), what="the books agree")
    eventually(lambda: history.unrecorded()[1] == 0, what="every event is recorded")
    today = datetime.now(UTC).date()

    report = verify(first_day=today - timedelta(days=1), last_day=today)

    assert [difference.sentence() for difference in report.differences] == []
    assert report.totals["postgresql"].count > 0


@pytest.mark.parametrize(
    ("statement", "rule"),
    [
        ("UPDATE payments_wallet SET balance_minor = balance_minor + 1 WHERE user_id = %(user)s", "a wallet holds"),
        ("UPDATE orders_order SET payment_status = 'unpaid' WHERE id = %(order)s", "an order's payment status follows"),
        ("UPDATE orders_order SET committed_minor = 0 WHERE id = %(order)s", "what an order's payments may take"),
        ("UPDATE orders_order SET fulfilment_status = 'cancelled' WHERE id = %(order)s", "a cancelled order keeps no"),
        ("UPDATE payments_payment SET refunded_minor = 1 WHERE order_id = %(order)s", "a payment's events are dense"),
        ("UPDATE payments_payment SET pending_refund_minor = 1 WHERE order_id = %(order)s", "nothing is on its way"),
        ("UPDATE payments_voucher SET balance_minor = 0 WHERE id = %(voucher)s", "a voucher holds its issue"),
        ("UPDATE payments_wallet SET held_minor = 1 WHERE user_id = %(user)s", "a wallet holds"),
        (
            "INSERT INTO payments_paymentoperation"
            " (id, payment_id, kind, state, gateway, token, amount_minor, currency,"
            " provider_ref, decline_code, attempts, queries, seq)"
            " SELECT gen_random_uuid(), id, 'refund', 'unknown', 'simulator', '', 1, 'GBP', '', '', 1, 0, 1"
            " FROM payments_payment WHERE order_id = %(order)s",
            "no operation is left open",
        ),
        (
            "INSERT INTO orders_checkout (id, order_id, state, step, capture_method, ends_as, deadline_at)"
            " VALUES (gen_random_uuid(), %(order)s, 'running', 1, 'automatic', 'draft', now())",
            "no checkout is left under way",
        ),
        ("UPDATE catalog_product SET stock = stock - 1 WHERE id = %(product)s", "stock is what was put in"),
        ("UPDATE payments_payment SET seq = seq + 1 WHERE order_id = %(order)s", "a payment's events are dense"),
        ("UPDATE orders_order SET payment_status = 'pending' WHERE id = %(order)s", "no order is left pending"),
    ],
)
def test_the_check_of_the_books_sees_what_is_wrong(statement, rule):
    shop = Storefront(wallet_minor=5_000)
    product: Product = shop.product()
    order_id = shop.order(product)
    assert shop.checkout(order_id).status_code == 200
    voucher = vouchers.issue(amount=Money(500, "GBP"), issued_by=shop.user.id)
    before = books.breaks(provider_log(), gateway="simulator")

    with transaction.atomic():
        with transaction.get_connection().cursor() as cursor:
            facts = {"user": shop.user.id, "order": order_id, "product": product.id, "voucher": voucher.id}
            cursor.execute(statement, facts)
        after = books.breaks(provider_log(), gateway="simulator")
        transaction.set_rollback(True)

    new = {found.rule for found in after} - {found.rule for found in before}
    assert any(found.startswith(rule) for found in new), new


def test_a_movement_nobody_knows_of_is_a_break():
    stray = {
        "type": "operation",
        "operation_id": "00000000-0000-7000-8000-000000000000",
        "kind": "capture",
        "moved_minor": 5,
    }

    found = books.breaks([*provider_log(), stray], gateway="simulator")

    assert any("we know of no such operation" in one.detail for one in found)
