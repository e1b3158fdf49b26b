"""Wallets: what we owe users. Every change is one conditional statement and one booked payment."""

from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F

from core.errors import NotFound
from core.money import Money
from core.payments.domain.payment_state import EventType, PaymentType
from core.payments.errors import DepositBookedAlready, InsufficientFunds, NoWallet
from core.payments.models import Payment, Wallet
from core.payments.services import payments


@transaction.atomic
def open_wallet(*, user_id: UUID, currency: str) -> Wallet:
    """The user's wallet in this currency, made when it is not there. Idempotent."""
    wallet, _ = Wallet.objects.get_or_create(user_id=user_id, currency=currency)
    return wallet


@transaction.atomic
def deposit(*, user_id: UUID, amount: Money, provider: str, provider_ref: str = "") -> Payment:
    """Top a wallet up with money that `provider` holds for us, and settles under `provider_ref`.

    Raises NotFound when there is no such wallet, DepositBookedAlready when a deposit has this reference.
    """
    try:
        # Of two at once the second fails at the index, so it is the index that is asked.
        with transaction.atomic():
            return _deposit(user_id, amount, provider, provider_ref)
    except IntegrityError as error:
        same_reference = Payment.objects.filter(provider=provider, provider_ref=provider_ref).exclude(provider_ref="")
        booked = same_reference.filter(payment_type=PaymentType.DEPOSIT).first()
        if booked is None:
            raise
        raise DepositBookedAlready(
            f"Payment {booked.id} put the money of {provider_ref} into a wallet already.", payment_id=str(booked.id)
        ) from error


def _deposit(user_id: UUID, amount: Money, provider: str, provider_ref: str) -> Payment:
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
        provider_ref=provider_ref,
    )


def require_cover(*, available_minor: int | None, amount: Money) -> None:
    """Refuse unless a wallet with `available_minor` (None: there is none) can pay the amount.

    Raises InsufficientFunds or NoWallet.
    """
    if available_minor is None or available_minor < amount.amount_minor:
        raise lack_of_cover(available_minor=available_minor, amount=amount)


def lack_of_cover(*, available_minor: int | None, amount: Money) -> InsufficientFunds | NoWallet:
    """Why a wallet with `available_minor` (None: there is none) does not pay the amount."""
    if available_minor is None:
        return NoWallet(f"You have no wallet in {amount.currency}: pay by card, or open a wallet and top it up.")
    return InsufficientFunds(
        f"{amount.amount_minor} {amount.currency} minor units are asked of the wallet and {available_minor} are "
        "available: top it up or pay by card.",
        available_minor=available_minor,
        required_minor=amount.amount_minor,
    )
