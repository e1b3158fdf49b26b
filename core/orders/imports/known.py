"""Which invoices are in the books already."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from django.db import connection

from core.catalog.models import StockMovement
from core.orders.imports.invoices import Invoice, movement_id, payment_id
from core.payments.models import Payment


def known_totals(invoices: Sequence[Invoice]) -> Mapping[str, int]:
    """Of these invoices the numbers of those booked before, with their totals in minor units.

    One that moved stock and no money has the total 0. Found by ids alone, whatever else has become of the invoice.
    """
    totals = _paid([invoice.number for invoice in invoices])
    movement_ids = {
        movement_id(invoice.number, sku): invoice.number
        for invoice in invoices
        if invoice.number not in totals
        for sku in invoice.stock_change()
    }
    moved = {movement_ids[identity] for identity in _existing(movement_ids)}
    # Payments once more: another import may have committed an invoice between the two looks.
    return dict.fromkeys(moved, 0) | totals | _paid(moved)


def _paid(numbers: Collection[str]) -> dict[str, int]:
    """Of these invoices those with a payment, and its amount."""
    payment_ids = {payment_id(number): number for number in numbers}
    amounts = Payment.objects.filter(pk__in=payment_ids).values_list("pk", "amount_minor")
    return {payment_ids[identity]: amount for identity, amount in amounts}


def _existing(movement_ids: Collection[UUID]) -> Sequence[UUID]:
    """As one array: an IN list of thousands of ids takes Django ten times as long to write as PostgreSQL to answer."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id FROM {StockMovement._meta.db_table} WHERE id = ANY(%s::uuid[])",
            [[str(identity) for identity in movement_ids]],
        )
        return [identity for (identity,) in cursor.fetchall()]
