"""Sealing whatever can be sealed, with a row of what came of it: for the schedule, for staff and for the command."""

import time
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime, timedelta

from django.db import transaction

from core import clock
from core.payments.selectors import watermark
from payments_ledger.errors import LedgerUnavailable, VerificationUnfinished
from payments_ledger.models import SealingRun
from payments_ledger.seals import totals
from payments_ledger.seals.days import unsealed_days
from payments_ledger.seals.errors import ChainBroken
from payments_ledger.seals.sealing import DayResult, Outcome, seal_through

# Runs in which nothing was refused are forgotten after so many days.
QUIET_KEPT_DAYS = 90
# Days before today whose totals are kept up to date although they are not sealed yet.
OPEN_DAYS_SUMMED_UP = 2


def last_closed_day() -> date:
    """The newest day whose end the watermark has passed. Call it outside a transaction."""
    return watermark.read().date() - timedelta(days=1)


def seal_and_keep(
    through_day: date,
    *,
    first_day: date = date.min,
    seconds_max: float | None = None,
    told: Callable[[DayResult], None] | None = None,
) -> list[DayResult]:
    """Seal every day from `first_day` to `through_day`; what came of it is kept as a SealingRun, also when broken off.

    `told` hears of each day; after `seconds_max` no further day is begun, and the next run goes on. Raises what
    sealing.seal_through() raises; of SealingBusy nothing is kept.
    """
    started_at, deadline = clock.now(), time.monotonic() + (seconds_max or float("inf"))
    results: list[DayResult] = []
    reason = ""
    try:
        for result in seal_through(through_day, first_day=first_day):
            results.append(result)
            if told is not None:
                told(result)
            if time.monotonic() > deadline:
                reason = f"stopped after {seconds_max} s: the next run goes on"
                break
    except (LedgerUnavailable, VerificationUnfinished) as error:
        reason = f"{error.code}: {error.detail}"
        raise
    except (ChainBroken, OSError) as error:
        reason = str(error)
        raise
    finally:
        if results or reason:
            _keep(through_day, results, reason, started_at)
    return results


def sum_up_open_days() -> list[date]:
    """Compute the totals of today and the days before it that are not sealed yet; they may still grow.

    Raises LedgerUnavailable.
    """
    today = clock.now().date()
    first_day = today - timedelta(days=OPEN_DAYS_SUMMED_UP)
    return [day for day in unsealed_days(today, first_day=first_day) if totals.recompute_now(day)]


@transaction.atomic
def _keep(through_day: date, results: list[DayResult], reason: str, started_at: datetime) -> None:
    now = clock.now()
    long_ago = now - timedelta(days=QUIET_KEPT_DAYS)
    SealingRun.objects.filter(finished_at__lt=long_ago, not_yet=0, differs=0, reason="").delete()
    counted = Counter(result.outcome for result in results)
    SealingRun.objects.create(
        through_day=through_day,
        sealed=counted[Outcome.SEALED],
        not_yet=counted[Outcome.NOT_YET],
        differs=counted[Outcome.DIFFERS],
        refused=[result.as_json() for result in results if result.reasons],
        reason=reason,
        started_at=started_at,
        duration_ms=(now - started_at) // timedelta(milliseconds=1),
    )
