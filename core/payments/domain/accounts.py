"""The chart of accounts, and the postings of each kind of event: signed minor units that sum to zero."""

from collections.abc import Callable, Mapping

from core.payments.domain.payment_state import EventType, PaymentType

Postings = Mapping[str, int]

WALLET_LIABILITY = "wallet_liability"
VOUCHER_LIABILITY = "voucher_liability"
PROMOTIONS = "promotions"
REVENUE = "revenue"
REFUNDS = "refunds"
DISPUTES_RESERVE = "disputes_reserve"
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


# Where the money of an order's payment comes from, and where a refund returns it to.
_FUNDING: dict[PaymentType, Callable[[str], str]] = {
    PaymentType.WALLET: lambda _: WALLET_LIABILITY,
    PaymentType.VOUCHER: lambda _: VOUCHER_LIABILITY,
    PaymentType.CARD: psp_clearing,
    PaymentType.BOLETO: psp_clearing,
    PaymentType.IMPORTED: lambda _: IMPORTED_CLEARING,
}

# Event → (amount, funding account) → postings. Holding money moves none, so authorizations and voids post nothing.
_OF_ORDER_PAYMENTS: dict[EventType, Callable[[int, str], Postings]] = {
    EventType.CAPTURED: lambda amount, funding: move(amount, debit=funding, credit=REVENUE),
    EventType.REFUND_SUCCEEDED: lambda amount, funding: move(amount, debit=REFUNDS, credit=funding),
    EventType.DISPUTE_OPENED: lambda amount, funding: move(amount, debit=DISPUTES_RESERVE, credit=funding),
    EventType.DISPUTE_WON: lambda amount, funding: move(amount, debit=funding, credit=DISPUTES_RESERVE),
    EventType.DISPUTE_LOST: lambda amount, _: move(amount, debit=BAD_DEBT, credit=DISPUTES_RESERVE),
}


def postings_of(event: EventType, payment_type: PaymentType, amount_minor: int, provider: str) -> Postings:
    """Postings of an event whose accounts follow from its type alone; events that move no money post nothing."""
    if event in _OF_ORDER_PAYMENTS:
        return _OF_ORDER_PAYMENTS[event](amount_minor, _FUNDING[payment_type](provider))
    if event == EventType.DEPOSIT_POSTED:
        return move(amount_minor, debit=psp_clearing(provider), credit=WALLET_LIABILITY)
    if event == EventType.VOUCHER_ISSUED:
        return move(amount_minor, debit=PROMOTIONS, credit=VOUCHER_LIABILITY)
    if event == EventType.CREDIT_POSTED:
        # A credit's amount is negative: it takes from clearing and shows as a refund.
        return move(amount_minor, debit=IMPORTED_CLEARING, credit=REFUNDS)
    return {}


def assert_balanced(postings: Postings) -> None:
    """Raises Unbalanced unless the postings sum to zero."""
    if sum(postings.values()):
        raise Unbalanced(f"postings {dict(postings)} sum to {sum(postings.values())} minor units, not to zero")
