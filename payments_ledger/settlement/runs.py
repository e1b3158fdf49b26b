"""One settlement: a file is read, matched and kept, in one transaction; the same file again changes nothing."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db import connection, transaction

from core.clock import now
from payments_ledger.models import SettlementBreak, SettlementMatch, SettlementRun
from payments_ledger.settlement import postings
from payments_ledger.settlement.files import SettlementFile, read
from payments_ledger.settlement.matching import Break, Limits, Outcome, PostingKey, Reason, match

logger = structlog.get_logger(__name__)

INSERT_ROWS = 1000


@dataclass(frozen=True, slots=True)
class Settled:
    """What a settlement found. `run` is not saved in a dry run; `breaks` are those still open."""

    run: SettlementRun
    breaks: tuple[SettlementBreak, ...]
    is_repeated: bool = False


def settle(*, provider: str, day: date, content: bytes, source: str, is_dry_run: bool = False) -> Settled:
    """Match the file of `provider` for `day` with the postings no other file has settled, and keep what was found.

    Idempotent: the file that is current for the day is answered from what it found. A changed file supersedes the
    earlier one of that day, whose matches are undone and whose open breaks are closed. A break about a posting that a
    later file settles is resolved by it. Raises SettlementFileUnreadable; nothing is changed then.
    """
    file = read(content)
    digest = hashlib.sha256(content).hexdigest()
    with transaction.atomic():
        _lock(provider)
        current = SettlementRun.objects.filter(provider=provider, day=day, superseded_at__isnull=True).first()
        if current is not None and current.file_sha256 == digest:
            return Settled(current, tuple(_open_breaks(current)), is_repeated=True)
        limits = Limits(**settings.SETTLEMENT)
        outcome = _matched(provider, day, file, limits, replaced=[current.id] if current else [])
        run = _run_of(provider, day, digest, source, file, limits, outcome)
        breaks = [_row_of(run, found) for found in outcome.breaks]
        if not is_dry_run:
            _keep(run, current, outcome, breaks)
    logger.info(
        "ledger_settled",
        provider=provider,
        day=str(day),
        lines=run.lines,
        matched_lines=run.matched_lines,
        breaks=len(breaks),
        is_dry_run=is_dry_run,
    )
    return Settled(run, tuple(breaks))


def _lock(provider: str) -> None:
    # Two runs of one provider would both find a posting unsettled. Held to the end of the transaction.
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"settlement:{provider}"])


def _matched(provider: str, day: date, file: SettlementFile, limits: Limits, *, replaced: Sequence[UUID]) -> Outcome:
    reach = timedelta(days=limits.days_max)
    outcome = match(
        lines=file.lines,
        postings=postings.unsettled(
            provider=provider,
            first_day=day - reach,
            last_day=day + reach,
            payment_ids={line.payment_id for line in file.lines if line.payment_id},
            regardless_of=replaced,
        ),
        day=day,
        limits=limits,
        settled_references=postings.settled_references(
            provider=provider, references={line.reference for line in file.lines}, regardless_of=replaced
        ),
    )
    for bad in file.unreadable:
        outcome.breaks.append(Break(Reason.UNREADABLE_LINE, (), (), f"line {bad.number}: {bad.problem}"))
    return outcome


def _run_of(
    provider: str, day: date, digest: str, source: str, file: SettlementFile, limits: Limits, outcome: Outcome
) -> SettlementRun:
    return SettlementRun(
        provider=provider,
        day=day,
        file_sha256=digest,
        source=source[:255],
        lines=len(file.lines) + len(file.unreadable),
        matched_lines=sum(len(each.lines) for each in outcome.matches),
        matched_postings=sum(len(each.postings) for each in outcome.matches),
        awaited_postings=len(outcome.awaited),
        totals=file.totals(),
        tolerance_minor=limits.tolerance_minor,
        days_max=limits.days_max,
    )


def _row_of(run: SettlementRun, found: Break) -> SettlementBreak:
    references = [line.reference for line in found.lines] + [posting.reference for posting in found.postings]
    return SettlementBreak(
        run=run,
        provider=run.provider,
        day=run.day,
        reason=found.reason,
        reference=references[0] if references else "",
        lines=[line.number for line in found.lines],
        postings=[[str(posting.payment_id), posting.seq] for posting in found.postings],
        settled_minor=_sums((line.currency, line.gross_minor) for line in found.lines),
        posted_minor=_sums((posting.currency, posting.amount_minor) for posting in found.postings),
        detail=found.detail,
    )


def _keep(
    run: SettlementRun, current: SettlementRun | None, outcome: Outcome, breaks: Sequence[SettlementBreak]
) -> None:
    if current is not None:
        current.matches.all().delete()
        _resolve(_open_breaks(current), note=f"superseded by the file {run.file_sha256[:12]}")
        current.superseded_at = now()
        current.save(update_fields=["superseded_at"])
    run.save(force_insert=True)
    SettlementMatch.objects.bulk_create(
        (
            SettlementMatch(
                run=run,
                provider=run.provider,
                reference=posting.reference,
                payment_id=posting.payment_id,
                seq=posting.seq,
                amount_minor=posting.amount_minor,
                currency=posting.currency,
            )
            for each in outcome.matches
            for posting in each.postings
        ),
        batch_size=INSERT_ROWS,
    )
    _resolve_what_is_settled(run, {posting.key for each in outcome.matches for posting in each.postings})
    SettlementBreak.objects.bulk_create(breaks, batch_size=INSERT_ROWS)


def _resolve_what_is_settled(run: SettlementRun, settled: set[PostingKey]) -> None:
    """Close the open breaks of earlier files whose every posting is settled now."""
    waiting = SettlementBreak.objects.filter(provider=run.provider, resolved_at__isnull=True).exclude(postings=[])
    done = [each for each in waiting if {(UUID(payment_id), seq) for payment_id, seq in each.postings} <= settled]
    _resolve(done, note=f"settled by the file of {run.day}")


def _resolve(breaks: Iterable[SettlementBreak], *, note: str) -> None:
    ids = [each.id for each in breaks]
    SettlementBreak.objects.filter(id__in=ids).update(resolved_at=now(), note=note)


def _open_breaks(run: SettlementRun) -> list[SettlementBreak]:
    return list(run.breaks.filter(resolved_at__isnull=True).order_by("opened_at", "id"))


def _sums(amounts: Iterable[tuple[str, int]]) -> dict[str, Any]:
    totals: defaultdict[str, int] = defaultdict(int)
    for currency, amount in amounts:
        totals[currency] += amount
    return dict(totals)
