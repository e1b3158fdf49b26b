"""The chart of accounts, and the postings of each kind of event: signed minor units that sum to zero."""

from collections.abc import Callable, Mapping

from core.payments.domain.payment_state import EventType, PaymentType

Postings = Mapping[str, int]

WALLET_LIABILITY = "wallet_liability"
REVENUE = "revenue"
REFUNDS = "refunds"
BAD_DEBT = "bad_debt"
ADJUSTMENTS = "adjustments"
IMPORTED_CLEARING = "imported_clearing"


def psp_clearing(provider: str) -> str:
    """What a payment service provider owes us until it settles."""
    return f"psp_clearing:{provider}"


class Unbalanced(ValueError):
    """Postings do not sum to zero; nothing may be written."""


def move(amount_minor: int, *, debit: str, credit: str) -> Postings:
    """`amount_minor` to the debit side of one account and to the credit side of another."""
    return {debit: amount_minor, credit: -amount_minor}


CAPTURE_POSTINGS: dict[PaymentType, Callable[[int, str], Postings]] = {
    PaymentType.WALLET: lambda amount, _: move(amount, debit=WALLET_LIABILITY, credit=REVENUE),
    PaymentType.CARD: lambda amount, provider: move(amount, debit=psp_clearing(provider), credit=REVENUE),
    PaymentType.IMPORTED: lambda amount, _: move(amount, debit=IMPORTED_CLEARING, credit=REVENUE),
}


def postings_of(event: EventType, payment_type: PaymentType, amount_minor: int, provider: str) -> Postings:
    """Postings of an event whose accounts follow from its type alone; events that move no money post nothing."""
    if event == EventType.CAPTURED:
        return CAPTURE_POSTINGS[payment_type](amount_minor, provider)
    if event == EventType.DEPOSIT_POSTED:
        return move(amount_minor, debit=psp_clearing(provider), credit=WALLET_LIABILITY)
    if event == EventType.CREDIT_POSTED:
        # A credit's amount is negative: it takes from clearing and shows as a refund.
        return move(amount_minor, debit=IMPORTED_CLEARING, credit=REFUNDS)
    return {}


def assert_balanced(postings: Postings) -> None:
    """Raises Unbalanced unless the postings sum to zero."""
    if sum(postings.values()):
        raise Unbalanced(f"postings {dict(postings)} sum to {sum(postings.values())} minor units, not to zero")
