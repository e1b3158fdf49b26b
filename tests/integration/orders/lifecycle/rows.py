"""What the database has of one user's payments, and what it says of each."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from core.accounts.models import User
from core.payments.models import Dispute, Payment, PaymentEvent, PaymentOperation
from tests.properties import payment_model as model


@dataclass(frozen=True)
class Rows:
    """All that the database has of one user's payments, the oldest first."""

    payments: list[Payment]
    operations: dict[UUID, list[PaymentOperation]]
    disputes: dict[UUID, list[Dispute]]
    events: dict[UUID, list[PaymentEvent]]

    @classmethod
    def of(cls, user: User) -> "Rows":
        payments = list(Payment.objects.filter(user=user).select_related("voucher").order_by("created_at", "id"))
        ids = [payment.id for payment in payments]
        found = cls(payments, defaultdict(list), defaultdict(list), defaultdict(list))
        for operation in PaymentOperation.objects.filter(payment_id__in=ids).order_by("created_at", "id"):
            found.operations[operation.payment_id].append(operation)
        for dispute in Dispute.objects.filter(payment_id__in=ids).order_by("id"):
            found.disputes[dispute.payment_id].append(dispute)
        for event in PaymentEvent.objects.filter(payment_id__in=ids).order_by("seq"):
            found.events[event.payment_id].append(event)
        return found

    def seen_payment(self, payment_id: UUID) -> dict[str, Any]:
        """What the model must say of it. Its history must be dense and add up to its row."""
        row = next(payment for payment in self.payments if payment.id == payment_id)
        history = self.events[payment_id]
        events = [(_short(event.event_type), event.amount_minor) for event in history]
        assert [event.seq for event in history] == list(range(1, row.seq + 1))
        totals = (row.authorized_minor, row.captured_minor, row.refunded_minor, row.disputed_minor)
        assert model.fold(events) == totals
        operations = self.operations[payment_id]
        return {
            "state": row.state,
            "totals": totals,
            "pending": (row.pending_capture_minor, row.pending_refund_minor),
            "events": events,
            "operations": [(one.kind, one.amount_minor, one.state, one.attention) for one in operations],
            "disputes": [(one.amount_minor, one.state) for one in self.disputes[payment_id]],
        }

    def accounts(self) -> dict[str, int]:
        """The balance of every account that is not zero. Each event's postings must sum to zero, and so must all."""
        totals: dict[str, int] = defaultdict(int)
        for history in self.events.values():
            for event in history:
                assert sum(event.postings.values()) == 0, event.postings
                for account, amount in event.postings.items():
                    totals[account] += amount
        assert sum(totals.values()) == 0
        return {account: total for account, total in totals.items() if total}


def _short(event_type: str) -> str:
    return event_type.removeprefix("payments.").removesuffix(".v1")
