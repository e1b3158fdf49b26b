"""A shop's day as payment events: each story is one payment's events with the postings that belong to them."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from tests.factories.ledger_events import fields

CLEARING = "psp_clearing:simulator"
# Event → (its words, the state after it, account debited, account credited); without accounts nothing is posted.
STEPS: dict[str, tuple[str, str, str, str]] = {
    "created": ("payment.created", "processing", "", ""),
    "authorized": ("payment.authorized", "authorized", "", ""),
    "failed": ("payment.failed", "failed", "", ""),
    "captured": ("payment.captured", "captured", CLEARING, "revenue"),
    "paid": ("payment.captured", "captured", "wallet_liability", "revenue"),
    "redeemed": ("payment.captured", "captured", "voucher_liability", "revenue"),
    "refund declined": ("refund.failed", "captured", "", ""),
    "refunded": ("refund.succeeded", "captured", "refunds", CLEARING),
    "disputed": ("dispute.opened", "captured", "disputes_reserve", CLEARING),
    "dispute won": ("dispute.won", "captured", CLEARING, "disputes_reserve"),
    "dispute lost": ("dispute.lost", "captured", "bad_debt", "disputes_reserve"),
    "deposited": ("deposit.posted", "posted", CLEARING, "wallet_liability"),
    "issued": ("voucher.issued", "posted", "promotions", "voucher_liability"),
    "sold": ("payment.captured", "captured", "imported_clearing", "revenue"),
    "credited": ("credit.posted", "posted", "imported_clearing", "refunds"),
    "corrected": ("adjustment.posted", "posted", "imported_clearing", "adjustments"),
    "written off": ("adjustment.posted", "posted", "imported_clearing", "bad_debt"),
}


def story(
    steps: Iterable[tuple[str, int]],
    *,
    begins: datetime,
    seconds: int = 1,
    payment_type: str = "card",
    user_id: UUID | None = None,
    **changes: Any,
) -> list[dict[str, Any]]:
    """The bodies of one payment: each step with its amount, `seconds` apart."""
    payment_id, order_id, user = uuid4(), str(uuid4()), str(user_id or uuid4())
    bodies = []
    for seq, (step, amount) in enumerate(steps, start=1):
        words, status, debit, credit = STEPS[step]
        bodies.append(
            fields(
                payment_id=payment_id,
                seq=seq,
                booked_at=begins + timedelta(seconds=seconds * (seq - 1)),
                amount_minor=amount,
                payment_type=payment_type,
                **{
                    "order_id": order_id,
                    "user_id": user,
                    "event_type": f"payments.{words}.v1",
                    "status_after": status,
                    "provider": "simulator" if payment_type in ("card", "boleto") else "",
                    "postings": {debit: amount, credit: -amount} if debit else {},
                    **changes,
                },
            )
        )
    return bodies
