"""One payment with everything each store says of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from core.errors import NotFound
from core.payments.models import Payment
from core.payments.selectors.payments import find_payment, recorded_seqs
from payments_ledger import session
from payments_ledger.agreement import Identity, State, compare
from payments_ledger.selectors.payments import RecordedPayment, event_of, folded_payment, in_utc, payment_state
from payments_ledger.tables import PAYMENT_EVENTS

_EVENTS = PAYMENT_EVENTS.select_cql(
    columns=(
        "seq",
        "event_type",
        "status_after",
        "amount_minor",
        "currency",
        "object_id",
        "order_id",
        "user_id",
        "payment_type",
        "provider",
        "provider_ref",
        "postings",
        "occurred_at",
        "booked_at",
    ),
    where="order_id = ? AND payment_id = ?",
)


@dataclass(frozen=True, slots=True)
class PaymentRecord:
    """A payment folded from its events; `payment` is None while none is recorded.

    `differences` are sentences for staff, none when all stores agree; `is_current` is whether the ledger has the newest
    event that PostgreSQL has.
    """

    payment_id: UUID
    order_id: UUID
    provider: str
    provider_ref: str
    payment: RecordedPayment | None
    updated_at: datetime | None
    differences: tuple[str, ...]
    is_current: bool


def payment_record(payment_id: UUID, *, user_id: UUID | None = None) -> PaymentRecord:
    """The payment as the ledger has it (with `user_id` only that user's), held to what the other stores say.

    Raises NotFound, the same for another user's payment as for none, and LedgerUnavailable.
    """
    # In this order: see agreement.compare.
    recorded = recorded_seqs([payment_id]).get(payment_id, 0)
    decided = find_payment(payment_id, user_id=user_id)
    projection = payment_state(payment_id) if decided or user_id is None else None
    order_id = decided.order_id if decided else (projection or {}).get("order_id")
    if order_id is None:
        raise NotFound(f"No payment {payment_id} is visible to you.")
    rows = session.lookup(_EVENTS, (order_id, payment_id))
    versions = {decided and decided.seq, projection and projection["version"], len(rows)}
    if len(versions) > 1 and decided:
        decided = find_payment(payment_id, user_id=user_id)
    last: dict[str, Any] = rows[-1] if rows else {}
    verdict = compare(
        [event_of(row) for row in rows],
        _identity_of(last) if last else None,
        _state_of_row(projection) if projection else None,
        _state_of_payment(decided) if decided else None,
        recorded_seq=recorded,
    )
    return PaymentRecord(
        payment_id=payment_id,
        order_id=order_id,
        provider=last.get("provider") or "",
        provider_ref=last.get("provider_ref") or "",
        payment=folded_payment(payment_id, rows) if rows else None,
        updated_at=in_utc(last["booked_at"]) if last else None,
        differences=verdict.differences,
        is_current=verdict.is_current,
    )


def _identity_of(row: dict[str, Any]) -> Identity:
    return Identity(row["order_id"], row["user_id"], row["payment_type"], row["provider"])


def _state_of_row(row: dict[str, Any]) -> State:
    return State(
        version=row["version"] or 0,
        status=row["status"],
        currency=row["currency"],
        authorized_minor=row["authorized_minor"],
        captured_minor=row["captured_minor"],
        refunded_minor=row["refunded_minor"],
        disputed_minor=row["disputed_minor"],
        order_id=row["order_id"],
        user_id=row["user_id"],
        payment_type=row["payment_type"],
        provider=row["provider"],
    )


def _state_of_payment(payment: Payment) -> State:
    return State(
        version=payment.seq,
        status=payment.state,
        currency=payment.currency,
        authorized_minor=payment.authorized_minor,
        captured_minor=payment.captured_minor,
        refunded_minor=payment.refunded_minor,
        disputed_minor=payment.disputed_minor,
        order_id=payment.order_id,
        user_id=payment.user_id,
        payment_type=payment.payment_type,
        provider=payment.provider,
    )
