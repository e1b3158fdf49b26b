"""Whether the stores agree, and how much of the past is closed, for Prometheus. Reads PostgreSQL only.

What verifications and sealing runs found stands in their own tables; a scrape compares nothing itself.
"""

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Count
from prometheus_client import Metric
from prometheus_client.metrics_core import GaugeMetricFamily

from core import clock
from core.payments.models import SealedDay
from core.payments.selectors import watermark
from payments_ledger.models import Mode, SealingRun, SettlementBreak, Verdict
from payments_ledger.seals.completeness import WHOLE_PPM, live_shares
from payments_ledger.seals.days import unsealed_days
from payments_ledger.selectors.verifications import verifications


def collect() -> Iterator[Metric]:
    """Raises OperationalError when PostgreSQL cannot be reached."""
    yield from _recording()
    yield from _verification()
    yield from _sealing()
    yield from _settlement()


def _recording() -> Iterator[Metric]:
    behind = clock.now() - watermark.read()
    yield GaugeMetricFamily(
        "ledger_watermark_age_seconds",
        "How far back the moment lies below which everything is recorded, or known to be missing.",
        value=max(behind.total_seconds(), 0.0),
    )
    recorded = GaugeMetricFamily(
        "ledger_recorded_within_a_minute_ratio", "Share of the last hour's money, 0 to 1.", labels=["currency"]
    )
    for share in live_shares():
        recorded.add_metric([share.currency], share.share_ppm / WHOLE_PPM)
    yield recorded


def _verification() -> Iterator[Metric]:
    finished = GaugeMetricFamily(
        "ledger_verification_finished_timestamp_seconds", "When the newest one ended, Unix time.", labels=["mode"]
    )
    verdict = GaugeMetricFamily("ledger_verification_verdict", "1 for its verdict.", labels=["mode", "verdict"])
    differences = GaugeMetricFamily(
        "ledger_verification_differences", "Rows that differed in it, by kind.", labels=["mode", "kind"]
    )
    for mode in Mode:
        newest = verifications(mode=mode).first()
        if newest is None:
            continue
        finished.add_metric([mode], newest.finished_at.timestamp())
        for each in Verdict:
            verdict.add_metric([mode, each], float(newest.verdict == each))
        for kind, rows in newest.counts.items():
            differences.add_metric([mode, kind], rows)
    yield from (finished, verdict, differences)


def _sealing() -> Iterator[Metric]:
    yesterday = clock.now().date() - timedelta(days=1)
    yield GaugeMetricFamily(
        "ledger_unsealed_days", "Days that are over, have events and no seal.", value=len(unsealed_days(yesterday))
    )
    sealed_at = GaugeMetricFamily("ledger_last_seal_timestamp_seconds", "When a day was sealed last, Unix time.")
    last = SealedDay.objects.order_by("-seal_no").values_list("sealed_at", flat=True).first()
    if last is not None:
        sealed_at.add_metric([], last.timestamp())
    yield sealed_at
    refused = GaugeMetricFamily(
        "ledger_sealing_refused_days", "Days the newest sealing run refused, by reason.", labels=["reason"]
    )
    run = SealingRun.objects.order_by("-finished_at").first()
    if run is not None:
        refused.add_metric(["not_yet"], run.not_yet)
        refused.add_metric(["differs"], run.differs)
    yield refused


def _settlement() -> Iterator[Metric]:
    breaks = GaugeMetricFamily(
        "ledger_settlement_open_breaks", "Settlement lines or postings nobody has explained.", labels=["reason"]
    )
    held = SettlementBreak.objects.filter(resolved_at__isnull=True).values("reason").annotate(count=Count("id"))
    for row in held.order_by("reason"):
        breaks.add_metric([row["reason"]], row["count"])
    yield breaks
