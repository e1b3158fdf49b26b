"""Breaks of settlements: listed, and resolved by a person who says why."""

from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from core.clock import now
from core.errors import NotFound
from payments_ledger.errors import SettlementBreakResolved
from payments_ledger.models import SettlementBreak


def breaks(
    *, is_open: bool | None = None, provider: str | None = None, reason: str | None = None
) -> QuerySet[SettlementBreak]:
    """Breaks, newest first; None leaves a filter out."""
    found = SettlementBreak.objects.order_by("-opened_at", "-id")
    if is_open is not None:
        found = found.filter(resolved_at__isnull=is_open)
    if provider is not None:
        found = found.filter(provider=provider)
    if reason is not None:
        found = found.filter(reason=reason)
    return found


@transaction.atomic
def resolve(*, break_id: UUID, user_id: UUID, note: str) -> SettlementBreak:
    """Close an open break. Raises NotFound, or SettlementBreakResolved when it was closed before: notes are kept."""
    changed = SettlementBreak.objects.filter(id=break_id, resolved_at__isnull=True).update(
        resolved_at=now(), resolved_by_id=user_id, note=note
    )
    found = SettlementBreak.objects.filter(id=break_id).first()
    if found is None:
        raise NotFound("There is no break of a settlement with this id.")
    if not changed:
        raise SettlementBreakResolved(f"Break {break_id} was resolved at {found.resolved_at}: {found.note}")
    return found
