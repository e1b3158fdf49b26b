"""From a provider's reference to the payments it belongs to."""

from dataclasses import dataclass
from uuid import UUID

from payments_ledger import session
from payments_ledger.tables import PAYMENTS_BY_PROVIDER_REF

# A reference names one operation of one payment; more than a few payments under it would be the provider's mistake.
PAYMENTS_MAX = 100


@dataclass(frozen=True, slots=True)
class ReferencedPayment:
    """A payment that one of the provider's operations belongs to."""

    payment_id: UUID
    order_id: UUID | None


def payments_with_reference(provider: str, provider_ref: str) -> list[ReferencedPayment]:
    """The payments recorded under this reference, PAYMENTS_MAX at most; usually one. Raises LedgerUnavailable."""
    cql = PAYMENTS_BY_PROVIDER_REF.select_cql(where=PAYMENTS_BY_PROVIDER_REF.partition_condition())
    rows = session.lookup(f"{cql} LIMIT ?", (provider, provider_ref, PAYMENTS_MAX))
    return [ReferencedPayment(row["payment_id"], row["order_id"]) for row in rows]
