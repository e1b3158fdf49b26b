"""Which invoices are in the books already."""

from collections.abc import Mapping, Sequence

from core.catalog.models import StockMovement
from core.orders.imports.invoices import payment_id
from core.payments.models import Payment


def known_totals(numbers: Sequence[str]) -> Mapping[str, int]:
    """Of these invoice numbers those booked before, with their totals in minor units (0: only stock was moved)."""
    payment_ids = {payment_id(number): number for number in numbers}
    amounts = Payment.objects.filter(pk__in=payment_ids).values_list("pk", "amount_minor")
    moved = StockMovement.objects.filter(reason=StockMovement.Reason.IMPORT, reference__in=numbers)
    totals = dict.fromkeys(moved.values_list("reference", flat=True).distinct(), 0)
    return totals | {payment_ids[identity]: amount for identity, amount in amounts}
