"""Counts again what was imported, from PaymentEvent, after it was written."""

from collections.abc import Iterator
from itertools import islice

from django.db.models import Sum
from django.db.models.aggregates import Count

from core.orders.imports.invoices import PAYMENT_RULES, Kind, payment_id
from core.orders.imports.spool import Spool
from core.orders.imports.tally import KindTally
from core.payments.models import PaymentEvent

PAYMENTS_PER_LOOK = 2_000


def booked_by_kind(spool: Spool) -> dict[Kind, KindTally]:
    """Events and their amounts, as PostgreSQL holds them, of this file's payments and no others, by kind of invoice."""
    booked = {kind: KindTally() for kind in PAYMENT_RULES}
    for kind, tally in booked.items():
        numbers: Iterator[str] = (verdict.invoice for verdict in spool.verdicts() if verdict.kind is kind)
        while look := [payment_id(number) for number in islice(numbers, PAYMENTS_PER_LOOK)]:
            found = PaymentEvent.objects.filter(payment_id__in=look).aggregate(
                count=Count("*"), total_minor=Sum("amount_minor", default=0)
            )
            tally.count += found["count"]
            tally.total_minor += int(found["total_minor"])
    return booked
