"""Wallets: what we owe users. Every change is one conditional statement and one booked payment."""

from uuid import UUID

from django.db import transaction
from django.db.models import F

from core.errors import NotFound
from core.money import Money
from core.payments.domain.payment_state import EventType, PaymentType
from core.payments.errors import InsufficientFunds, NoWallet
from core.payments.models import Payment, Wallet
from core.payments.services import payments


@transaction.atomic
def open_wallet(*, user_id: UUID, currency: str) -> Wallet:
    """The user's wallet in this currency, made when it is not there. Idempotent."""
    wallet, _ = Wallet.objects.get_or_create(user_id=user_id, currency=currency)
    return wallet


@transaction.atomic
def deposit(*, user_id: UUID, amount: Money, provider: str) -> Payment:
    """Top a wallet up with money that `provider` holds for us. Raises NotFound when there is no such wallet."""
    changed = Wallet.objects.filter(user_id=user_id, currency=amount.currency).update(
        balance_minor=F("balance_minor") + amount.amount_minor
    )
    if not changed:
        raise NotFound(f"This user has no wallet in {amount.currency}; open one first.")
    return payments.begin(
        event_type=EventType.DEPOSIT_POSTED,
        payment_type=PaymentType.DEPOSIT,
        order_id=None,
        user_id=user_id,
        amount=amount,
        provider=provider,
    )


@transaction.atomic
def pay(*, user_id: UUID, order_id: UUID, amount: Money) -> Payment:
    """Take the amount from the user's wallet for an order: debit, payment (captured, seq 1) and event in one go.

    Raises InsufficientFunds or NoWallet, and then nothing has changed.
    """
    wallets = Wallet.objects.filter(user_id=user_id, currency=amount.currency)
    debited = wallets.filter(balance_minor__gte=F("held_minor") + amount.amount_minor).update(
        balance_minor=F("balance_minor") - amount.amount_minor
    )
    if not debited:
        wallet = wallets.first()
        if wallet is None:
            raise NoWallet(f"You have no wallet in {amount.currency}: pay by card, or open a wallet and top it up.")
        available_minor = wallet.balance_minor - wallet.held_minor
        raise InsufficientFunds(
            f"The order costs {amount.amount_minor} {amount.currency} minor units and the wallet holds "
            f"{available_minor}: top it up or pay by card.",
            available_minor=available_minor,
            required_minor=amount.amount_minor,
        )
    return payments.begin(
        event_type=EventType.CAPTURED,
        payment_type=PaymentType.WALLET,
        order_id=order_id,
        user_id=user_id,
        amount=amount,
    )
