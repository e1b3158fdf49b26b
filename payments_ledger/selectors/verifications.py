"""Results of verifications, as they were kept."""

from django.db.models import QuerySet

from payments_ledger.models import Mode, Verdict, Verification


def verifications(*, verdict: Verdict | None = None, mode: Mode | None = None) -> QuerySet[Verification]:
    """Newest first; with `verdict` or `mode` only those."""
    rows = Verification.objects.order_by("-finished_at")
    if verdict is not None:
        rows = rows.filter(verdict=verdict)
    return rows if mode is None else rows.filter(mode=mode)
