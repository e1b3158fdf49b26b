"""Verifications whose result is kept: for the schedule, for staff, and for whoever asks later what was proved."""

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta

from django.db import transaction

from core import clock
from payments_ledger.errors import LedgerUnavailable, VerificationUnfinished
from payments_ledger.models import Mode, Verdict, Verification
from payments_ledger.reconciliation.checks import tables_of
from payments_ledger.reconciliation.report import Report
from payments_ledger.reconciliation.verify import verify

# What agreed is forgotten after so many days; what differed is kept.
AGREED_KEPT_DAYS = 90


def verify_and_keep(
    *,
    first_day: date | None = None,
    last_day: date | None = None,
    is_deep: bool = True,
    tables: Sequence[str] = (),
    processes: int | None = None,
    seconds_max: float | None = None,
    progress: Callable[[str], None] | None = None,
) -> Report:
    """`verify`, and a row of ledger_verification for what came of it; that it was not finished is kept too.

    Raises what `verify` raises.
    """
    started_at = clock.now()
    try:
        report = verify(
            first_day=first_day,
            last_day=last_day,
            is_deep=is_deep,
            tables=tables,
            processes=processes,
            seconds_max=seconds_max,
            progress=progress,
        )
    except (LedgerUnavailable, VerificationUnfinished) as error:
        Verification.objects.create(
            mode=Mode.DEEP if is_deep else Mode.QUICK,
            tables=list(tables_of(tables, is_deep=is_deep)),
            first_day=first_day,
            last_day=last_day,
            verdict=Verdict.NONE,
            reason=f"{error.code}: {error.detail}",
            started_at=started_at,
            duration_ms=_milliseconds_since(started_at),
        )
        raise
    keep(report, started_at=started_at)
    return report


@transaction.atomic
def keep(report: Report, *, started_at: datetime) -> Verification:
    """Store the result; forget results of long ago that agreed."""
    content = report.as_json()
    Verification.objects.filter(
        verdict=Verdict.AGREE, finished_at__lt=clock.now() - timedelta(days=AGREED_KEPT_DAYS)
    ).delete()
    return Verification.objects.create(
        mode=Mode(content["mode"]),
        tables=content["tables"],
        first_day=report.first_day,
        last_day=report.last_day,
        watermark=report.watermark,
        verdict=Verdict.AGREE if report.agrees else Verdict.DIFFER,
        events=report.totals["postgresql"].count,
        blocks=report.blocks,
        counts=content["counts"],
        differences=content["differences"],
        skipped=content["skipped"],
        started_at=started_at,
        duration_ms=_milliseconds_since(started_at),
    )


def _milliseconds_since(started_at: datetime) -> int:
    return (clock.now() - started_at) // timedelta(milliseconds=1)
