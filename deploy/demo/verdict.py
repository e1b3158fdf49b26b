"""What the stores say after the shopping, and whether they say the same."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

import httpx
from django.conf import settings
from django.db import connection

from core.orders.models import Order
from core.orders.selectors import books
from payments_ledger.reconciliation.report import Report
from payments_ledger.selectors.blocks import event_counts


def orders_by_status(*, since: datetime) -> Counter[str]:
    rows = Order.objects.filter(created_at__gte=since).values_list("fulfilment_status", "payment_status")
    return Counter(f"{fulfilment}, {payment}" for fulfilment, payment in rows)


def ledger_events_by_type(*, since: datetime, until: datetime) -> Counter[str]:
    """Counted in Cassandra, over the booking days in question."""
    return event_counts(first_day=since.date(), last_day=until.date())


def ledger_delays_seconds(*, since: datetime) -> Sequence[float]:
    """From the insertion of each payment's last event to Cassandra's acknowledgement, by the primary's clock, sorted.

    Counted from just before the commit, so it is never shorter than the delay from commit to ledger.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT extract(epoch FROM recording.updated_at - event.inserted_at)::float AS delay
            FROM payments_paymentevent event JOIN payments_paymentrecording recording
                 ON recording.payment_id = event.payment_id AND recording.recorded_seq = event.seq
            WHERE event.inserted_at >= %s ORDER BY delay
            """,
            [since],
        )
        return [row[0] for row in cursor.fetchall()]


def provider_log() -> list[dict[str, object]]:
    """The provider's own record of what it charged."""
    answer = httpx.get(f"{settings.GATEWAYS['simulator']['URL']}/v1/log", params={"after": 0}, timeout=10)
    answer.raise_for_status()
    records: list[dict[str, object]] = answer.json()["records"]
    return records


def book_breaks() -> list[str]:
    return [found.sentence() for found in books.breaks(provider_log(), gateway="simulator")]


def ledger_sentence(report: Report) -> str:
    found = ", ".join(f"{count} {kind}" for kind, count in sorted(report.counts.items())) or "no differences"
    rows = ", ".join(f"{summary.count} in {store}" for store, summary in report.totals.items())
    return f"{rows}: {found} ({report.blocks} blocks, {report.seconds:.1f} s)"
