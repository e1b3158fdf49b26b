"""The chart of accounts, the postings of each kind of event, and what makes postings acceptable. Pure.

Postings are signed minor units of the event's one currency, debits positive, and sum to zero. That they do is asked
when an event is booked, when the ledger's sink reads it and whenever the stores are compared, always by this module.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from core.payments.domain.payment_state import EventType, PaymentType

Postings = Mapping[str, int]


class Side(StrEnum):
    """On which side an account's balance normally stands: debits are positive, credits negative."""

    DEBIT = "debit"
    CREDIT = "credit"


@dataclass(frozen=True, slots=True)
class Account:
    """One line of the chart. With `is_by_provider` it stands for one account a provider, named `name:provider`."""

    name: str
    normal_side: Side
    meaning: str
    is_by_provider: bool = False


PSP_CLEARING = "psp_clearing"
WALLET_LIABILITY = "wallet_liability"
VOUCHER_LIABILITY = "voucher_liability"
PROMOTIONS = "promotions"
REVENUE = "revenue"
REFUNDS = "refunds"
PSP_FEES = "psp_fees"
DISPUTES_RESERVE = "disputes_reserve"
BAD_DEBT = "bad_debt"
ADJUSTMENTS = "adjustments"
IMPORTED_CLEARING = "imported_clearing"

# Every account an event may post to. Another one is refused when the event is booked, and is poison at the sink.
CHART: dict[str, Account] = {
    account.name: account
    for account in (
        Account(PSP_CLEARING, Side.DEBIT, "what a provider owes us until it settles", is_by_provider=True),
        Account(WALLET_LIABILITY, Side.CREDIT, "what we owe users, in their wallets"),
        Account(VOUCHER_LIABILITY, Side.CREDIT, "what we owe whoever has a voucher's code"),
        Account(PROMOTIONS, Side.DEBIT, "what the vouchers we issued cost us"),
        Account(REVENUE, Side.CREDIT, "what was sold"),
        Account(REFUNDS, Side.DEBIT, "what was given back of it"),
        Account(PSP_FEES, Side.DEBIT, "what providers keep of what they settle"),
        Account(DISPUTES_RESERVE, Side.DEBIT, "what providers took back while a dispute is open"),
        Account(BAD_DEBT, Side.DEBIT, "what was lost for good"),
        Account(ADJUSTMENTS, Side.CREDIT, "corrections that no sale explains"),
        Account(IMPORTED_CLEARING, Side.DEBIT, "what was paid for in the system that orders were imported from"),
    )
}


def psp_clearing(provider: str) -> str:
    """The account of what this provider owes us until it settles."""
    return f"{PSP_CLEARING}:{provider}"


def account_named(name: str) -> Account | None:
    """The chart's line for an account as postings name it; None when the chart has no such account."""
    head, colon, provider = name.partition(":")
    account = CHART.get(head)
    if account is None:
        return None
    is_whole = bool(provider) if account.is_by_provider else not colon
    return account if is_whole else None


def imbalance_of(postings: Postings) -> int:
    """By how many minor units postings miss zero; 0 when they balance.

    An event has one currency, so its postings balance per currency exactly when they sum to zero.
    """
    return sum(postings.values())


def unknown_accounts(postings: Postings) -> list[str]:
    """The accounts among these that are not in the chart, in order."""
    return sorted(name for name in postings if account_named(name) is None)


class PostingsRefused(ValueError):
    """An event with these postings may not be booked."""


class Unbalanced(PostingsRefused):
    """Postings do not sum to zero."""


class UnknownAccount(PostingsRefused):
    """Postings name an account that the chart does not have."""


class OtherAmount(PostingsRefused):
    """Postings move another amount than the event says."""


class NoRule(PostingsRefused):
    """Nothing says what such an event posts for such a payment."""


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

# Event → (amount, funding account) → postings.
_OF_ORDER_PAYMENTS: dict[EventType, Callable[[int, str], Postings]] = {
    EventType.CAPTURED: lambda amount, funding: move(amount, debit=funding, credit=REVENUE),
    EventType.REFUND_SUCCEEDED: lambda amount, funding: move(amount, debit=REFUNDS, credit=funding),
    EventType.DISPUTE_OPENED: lambda amount, funding: move(amount, debit=DISPUTES_RESERVE, credit=funding),
    EventType.DISPUTE_WON: lambda amount, funding: move(amount, debit=funding, credit=DISPUTES_RESERVE),
    EventType.DISPUTE_LOST: lambda amount, _: move(amount, debit=BAD_DEBT, credit=DISPUTES_RESERVE),
}

# (Event, payment type) → (amount, provider) → postings, for payments that stand for themselves.
_OF_OWN_PAYMENTS: dict[tuple[EventType, PaymentType], Callable[[int, str], Postings]] = {
    (EventType.DEPOSIT_POSTED, PaymentType.DEPOSIT): lambda amount, provider: move(
        amount, debit=psp_clearing(provider), credit=WALLET_LIABILITY
    ),
    (EventType.VOUCHER_ISSUED, PaymentType.VOUCHER_ISSUE): lambda amount, _: move(
        amount, debit=PROMOTIONS, credit=VOUCHER_LIABILITY
    ),
    # A credit's amount is negative: it takes from clearing and shows as a refund.
    (EventType.CREDIT_POSTED, PaymentType.CREDIT): lambda amount, _: move(
        amount, debit=IMPORTED_CLEARING, credit=REFUNDS
    ),
}

# Adjustments are the one thing whose accounts whoever posts them must name: they exist for what no rule foresaw.
ACCOUNTS_NAMED_BY_POSTER = frozenset({EventType.ADJUSTMENT_POSTED})

# Events that move money, and so must post their whole amount. Holding money moves none: any other event posts nothing.
MONEY_EVENTS = frozenset({*_OF_ORDER_PAYMENTS, *(event for event, _ in _OF_OWN_PAYMENTS), *ACCOUNTS_NAMED_BY_POSTER})


def postings_of(event: EventType, payment_type: PaymentType, amount_minor: int, provider: str) -> Postings:
    """Postings of an event whose accounts follow from its type alone; events that move no money post nothing.

    Raises NoRule for an event that cannot happen to such a payment, and for one whose poster names the accounts.
    """
    if event not in MONEY_EVENTS:
        return {}
    if event in _OF_ORDER_PAYMENTS and payment_type in _FUNDING:
        return _OF_ORDER_PAYMENTS[event](amount_minor, _FUNDING[payment_type](provider))
    rule = _OF_OWN_PAYMENTS.get((event, payment_type))
    if rule is None:
        raise NoRule(f"no rule says what {event} posts for a payment of type {payment_type}")
    return rule(amount_minor, provider)


def require_postable(event: EventType, amount_minor: int, postings: Postings) -> None:
    """Raises a PostingsRefused unless an event of this type and amount may post exactly this."""
    imbalance = imbalance_of(postings)
    if imbalance:
        raise Unbalanced(f"postings {dict(postings)} sum to {imbalance} minor units, not to zero")
    unknown = unknown_accounts(postings)
    if unknown:
        raise UnknownAccount(f"the chart of accounts has no {', '.join(unknown)}: add it there, or post elsewhere")
    moved_minor = sum(posted for posted in postings.values() if posted > 0)
    expected_minor = abs(amount_minor) if event in MONEY_EVENTS else 0
    if moved_minor != expected_minor:
        raise OtherAmount(f"{event} of {amount_minor} minor units must move {expected_minor} and posts {moved_minor}")
