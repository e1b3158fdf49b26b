"""What a provider tells of disputes, recorded under the order's lock."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog
from django.db import transaction

from core.orders.domain.order_state import FulfilmentStatus
from core.orders.locks import lock_order
from core.orders.services import cancellations, transitions
from core.payments.domain.dispute_state import DisputeState
from core.payments.locks import lock_dispute, lock_payment
from core.payments.models import Dispute, Payment
from core.payments.selectors.payments import dispute_by_id, payment_by_id
from core.payments.services import disputes, refunds

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class DisputeNotice:
    """A provider's word about a dispute; `state` is OPEN, WON or LOST, `amount_minor` in the payment's currency."""

    provider: str
    provider_dispute_id: str
    payment_id: UUID
    amount_minor: int
    currency: str
    reason: str
    state: DisputeState
    occurred_at: datetime


@transaction.atomic
def record(notice: DisputeNotice) -> bool:
    """Record the notice. False when it changes nothing: repeated, contrary to an earlier end, or not our money.

    Notices may come in any order: one that ends an unknown dispute opens it first. Raises NotFound for a payment that
    is not ours.
    """
    order = lock_order(payment_by_id(notice.payment_id).order_id)
    payment = lock_payment(notice.payment_id)
    known = Dispute.objects.filter(provider=notice.provider, provider_dispute_id=notice.provider_dispute_id).first()
    fits = known.payment_id == payment.id if known else _can_be_disputed(payment, notice)
    if not fits:
        log.error("dispute.does_not_fit", payment_id=str(payment.id), amount_minor=notice.amount_minor)
        return False
    before = payment.seq
    dispute = disputes.open_dispute(
        payment,
        provider_dispute_id=notice.provider_dispute_id,
        amount_minor=notice.amount_minor,
        reason=notice.reason,
        occurred_at=notice.occurred_at,
    )
    if notice.state in (DisputeState.WON, DisputeState.LOST):
        is_won = notice.state == DisputeState.WON
        is_news = disputes.close_dispute(payment, dispute, is_won=is_won, occurred_at=notice.occurred_at)
        if is_news and is_won and order.fulfilment_status == FulfilmentStatus.CANCELLED:
            _give_back_what_was_won(payment, dispute)
    transitions.refold(order)
    return payment.seq > before


def _give_back_what_was_won(payment: Payment, dispute: Dispute) -> None:
    """The refund of a cancelled order left out what was disputed then, and a cancelled order keeps no money."""
    amount_minor = min(dispute.amount_minor, refunds.refundable_minor(payment))
    if amount_minor:
        refunds.request(payment, amount_minor=amount_minor, reason=cancellations.REASON)


def _can_be_disputed(payment: Payment, notice: DisputeNotice) -> bool:
    is_ours = (payment.provider, payment.currency) == (notice.provider, notice.currency)
    return is_ours and 0 < notice.amount_minor <= payment.captured_minor - payment.disputed_minor


@transaction.atomic
def submit_evidence(*, dispute_id: UUID, evidence: str) -> Dispute:
    """Keep our side of a dispute. Raises NotFound or DisputeClosed."""
    found = dispute_by_id(dispute_id)
    lock_order(found.payment.order_id)
    payment = lock_payment(found.payment_id)
    dispute = lock_dispute(dispute_id)
    disputes.submit_evidence(payment, dispute, evidence=evidence)
    return dispute
