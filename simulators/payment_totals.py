"""What one payment amounts to at the provider, and what it still allows."""

from dataclasses import dataclass
from typing import Any

from simulators.card_tokens import Kind


@dataclass(slots=True)
class PaymentTotals:
    """Minor units of `currency`. Always 0 ≤ refunded + disputed ≤ captured and captured + voided ≤ authorized.

    `token` and `currency` are those of the authorization; `pending_id` is the operation whose decision is awaited.
    """

    currency: str = ""
    token: str = ""
    pending_id: str = ""
    authorized_minor: int = 0
    captured_minor: int = 0
    voided_minor: int = 0
    refunded_minor: int = 0
    disputed_minor: int = 0

    @property
    def remainder_minor(self) -> int:
        """Held, neither taken nor let go."""
        return self.authorized_minor - self.captured_minor - self.voided_minor

    @property
    def refundable_minor(self) -> int:
        """Taken, and neither given back nor taken back by the customer's bank."""
        return self.captured_minor - self.refunded_minor - self.disputed_minor

    def refusal(self, *, kind: Kind, amount_minor: int, currency: str, token: str) -> str:
        """The decline code when the payment does not allow this operation, or "" when it does."""
        if kind is Kind.AUTHORIZE:
            return "already_authorized" if self.pending_id or self.authorized_minor else ""
        if not self.authorized_minor:
            return "no_such_payment"
        if currency != self.currency:
            return "currency_mismatch"
        if token != self.token:
            return "token_mismatch"
        if kind is Kind.REFUND:
            return "amount_exceeds_capture" if amount_minor > self.refundable_minor else ""
        return self._refusal_of_remainder(kind, amount_minor)

    def _refusal_of_remainder(self, kind: Kind, amount_minor: int) -> str:
        """For a capture and a void: both are about what is still held."""
        if self.voided_minor:
            return "already_voided"
        if not self.remainder_minor:
            return "already_captured"
        if kind is Kind.CAPTURE:
            return "amount_exceeds_authorization" if amount_minor > self.remainder_minor else ""
        # A void lets go of everything; a client with another sum in mind has lost track and must not be told yes.
        return "amount_differs_from_remainder" if amount_minor != self.remainder_minor else ""

    def apply(self, record: dict[str, Any]) -> None:
        """Take over a stored record about this payment; the same for a new one and at a replay of the log."""
        if record["type"] == "pending":
            self.pending_id = record["operation_id"]
        elif record["type"] == "operation":
            self._apply_operation(record)
        elif record["type"] == "dispute":
            self._apply_dispute(record["status"], record["amount_minor"])

    def _apply_operation(self, record: dict[str, Any]) -> None:
        # Kinds from before these moved nothing that can be followed up.
        moved_minor = record.get("moved_minor", 0)
        if self.pending_id == record["operation_id"]:
            self.pending_id = ""
        match record["kind"]:
            case Kind.AUTHORIZE if moved_minor:
                self.currency, self.token = record["currency"], record["token"]
                self.authorized_minor += moved_minor
            case Kind.CAPTURE:
                self.captured_minor += moved_minor
            case Kind.VOID:
                self.voided_minor += moved_minor
            case Kind.REFUND:
                self.refunded_minor += moved_minor

    def _apply_dispute(self, status: str, amount_minor: int) -> None:
        if status == "open":
            self.disputed_minor += amount_minor
        elif status == "won":
            self.disputed_minor -= amount_minor
