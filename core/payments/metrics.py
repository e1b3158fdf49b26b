"""Operations at payment providers that have no outcome yet, or need a person, for Prometheus."""

from collections.abc import Iterator

from django.db.models import Count, Min
from django.db.models.functions import Now
from prometheus_client import Metric
from prometheus_client.metrics_core import GaugeMetricFamily

from core.payments.domain.operation_state import OPEN_OPERATION_STATES
from core.payments.models import PaymentOperation
from core.payments.selectors.operations import needing_attention


def collect() -> Iterator[Metric]:
    """Raises OperationalError when PostgreSQL cannot be reached."""
    operations = GaugeMetricFamily(
        "payment_open_operations", "Operations at providers without a final outcome.", labels=["kind", "state"]
    )
    oldest = GaugeMetricFamily(
        "payment_oldest_open_operation_seconds", "Age of the oldest of them.", labels=["kind", "state"]
    )
    still_open = PaymentOperation.objects.filter(state__in=OPEN_OPERATION_STATES).values("kind", "state")
    for row in still_open.annotate(count=Count("id"), age=Now() - Min("created_at")).order_by():
        labels = [row["kind"], row["state"]]
        operations.add_metric(labels, row["count"])
        oldest.add_metric(labels, row["age"].total_seconds())
    yield operations
    yield oldest
    yield GaugeMetricFamily(
        "payment_operations_needing_attention",
        "Operations that a person must look at.",
        value=needing_attention().count(),
    )
