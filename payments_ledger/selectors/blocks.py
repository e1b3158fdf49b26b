"""What a day's blocks hold, read as an analyst would: by partition key, every bucket of every payment type."""

from collections import Counter
from datetime import date, timedelta

from core.payments.domain.payment_state import PaymentType
from core.payments.selectors.calendar import bucket_count
from payments_ledger import session
from payments_ledger.tables import EVENTS_BY_DAY


def event_counts(*, first_day: date, last_day: date) -> Counter[str]:
    """Events by type over these booking days (both included), counted in Cassandra. Raises LedgerUnavailable."""
    cql = EVENTS_BY_DAY.select_cql(columns=("event_type",), where=EVENTS_BY_DAY.partition_condition())
    counts: Counter[str] = Counter()
    day = first_day
    while day <= last_day:
        for bucket in range(bucket_count(day)):
            for payment_type in PaymentType:
                counts.update(row[0] for row in session.stream(cql, (day, str(payment_type), bucket)))
        day += timedelta(days=1)
    return counts
