"""Disputes: captures a customer contests, as the provider tells of them. The caller holds order and payment locks."""

from datetime import datetime

from core.clock import now
from core.payments.domain.dispute_state import DISPUTE_TRANSITIONS, DisputeState
from core.payments.domain.payment_state import EventType
from core.payments.errors import DisputeClosed
from core.payments.models import Dispute, Payment
from core.payments.services import payments


def open_dispute(
    payment: Payment, *, provider_dispute_id: str, amount_minor: int, reason: str, occurred_at: datetime | None = None
) -> Dispute:
    """Book that the provider took `amount_minor` back. Idempotent by the provider's id."""
    dispute, created = Dispute.objects.get_or_create(
        provider=payment.provider,
        provider_dispute_id=provider_dispute_id,
        defaults={
            "payment": payment,
            "amount_minor": amount_minor,
            "currency": payment.currency,
            "reason": reason,
            "state": DISPUTE_TRANSITIONS[None, EventType.DISPUTE_OPENED],
        },
    )
    if created:
        _book(payment, dispute, EventType.DISPUTE_OPENED, occurred_at)
    return dispute


def submit_evidence(payment: Payment, dispute: Dispute, *, evidence: str) -> None:
    """Keep our side of an open dispute, to be sent to the provider by hand. Raises DisputeClosed."""
    if not _move(dispute, EventType.DISPUTE_EVIDENCE_SUBMITTED):
        raise DisputeClosed(f"Dispute {dispute.id} is {dispute.state}: evidence can be given once, while it is open.")
    dispute.evidence = evidence
    dispute.save()
    _book(payment, dispute, EventType.DISPUTE_EVIDENCE_SUBMITTED)


def close_dispute(payment: Payment, dispute: Dispute, *, is_won: bool, occurred_at: datetime | None = None) -> bool:
    """Book how it ended. False when that was booked before: a repeated or contrary word changes nothing."""
    event_type = EventType.DISPUTE_WON if is_won else EventType.DISPUTE_LOST
    if not _move(dispute, event_type):
        return False
    dispute.closed_at = now()
    dispute.save()
    _book(payment, dispute, event_type, occurred_at)
    return True


def _move(dispute: Dispute, event_type: EventType) -> bool:
    after = DISPUTE_TRANSITIONS.get((DisputeState(dispute.state), event_type))
    if after is None:
        return False
    dispute.state = after
    return True


def _book(payment: Payment, dispute: Dispute, event_type: EventType, occurred_at: datetime | None = None) -> None:
    payments.advance(
        payment, event_type, amount_minor=dispute.amount_minor, object_id=dispute.id, occurred_at=occurred_at
    )
