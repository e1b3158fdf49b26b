"""What every gateway promises, whatever the provider behind it."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Protocol
from uuid import UUID


class Outcome(StrEnum):
    """What is certain about an operation after talking to the provider."""

    SUCCEEDED = "succeeded"
    """The provider did exactly what was asked: same operation, payment, amount and currency."""
    DECLINED = "declined"
    """The provider decided not to, for good; nothing was charged."""
    PENDING = "pending"
    """The provider took it and decides later, when the customer has acted for example; nothing is certain yet."""
    UNKNOWN = "unknown"
    """Anything may have happened. Ask with `query` later; never read this as a failure."""
    NOT_FOUND = "not_found"
    """Only from `query`: the provider never decided this operation. Submit it again under the same id."""


@dataclass(frozen=True, slots=True)
class GatewayRequest:
    """One operation to submit. `operation_id` is the provider's idempotency key: submitting twice moves money once.

    `amount_minor` is positive, in minor units of `currency` (ISO 4217); `token` stands for the customer's instrument.
    """

    operation_id: UUID
    payment_id: UUID
    kind: str
    amount_minor: int
    currency: str
    token: str


@dataclass(frozen=True, slots=True)
class GatewayResult:
    """What the provider said. `amount_minor` is set when and only when it decided (SUCCEEDED or DECLINED).

    `provider_ref` is the provider's own name of the operation; it has one as soon as the provider took it.
    """

    outcome: Outcome
    provider_ref: str = ""
    decline_code: str = ""
    amount_minor: int | None = None


class SettlementSource(Protocol):
    """Where a provider publishes what it pays out."""

    def settlement_file(self, day: date) -> bytes:
        """The file of one UTC day, as it stands now. Raises SettlementUnavailable."""


class Gateway(Protocol):
    """A provider's adapter. Both calls return within their timeout and never raise because of the provider or the
    network: whatever is not certain is UNKNOWN. Neither may be called inside a database transaction.
    """

    @property
    def name(self) -> str:
        """The name it is configured and stored under."""

    def submit(self, request: GatewayRequest) -> GatewayResult:
        """Ask for the operation. May be repeated with the same request: it is carried out at most once."""

    def query(self, operation_id: UUID) -> GatewayResult:
        """Ask what became of an operation. Its amount is the provider's word: compare it with the operation's."""
