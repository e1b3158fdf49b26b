"""Stored value, what we owe the holder of a wallet or a voucher: held, taken, let go and given back.

Every change is one conditional statement, with the table's CHECKs behind it. In the caller's transaction.
"""

from uuid import UUID

from django.db.models import F, QuerySet

from core.money import Money
from core.payments.domain.payment_state import PaymentType
from core.payments.errors import VoucherInsufficient
from core.payments.models import Payment, Voucher, Wallet
from core.payments.services.wallets import lack_of_cover

Holders = QuerySet[Wallet] | QuerySet[Voucher]


def hold_in_wallet(*, user_id: UUID, amount: Money) -> None:
    """Raises InsufficientFunds or NoWallet, and then nothing has changed."""
    wallets = Wallet.objects.filter(user_id=user_id, currency=amount.currency)
    if _hold(wallets, amount.amount_minor):
        return
    wallet = wallets.first()
    available_minor = None if wallet is None else wallet.balance_minor - wallet.held_minor
    raise lack_of_cover(available_minor=available_minor, amount=amount)


def hold_in_voucher(voucher: Voucher, *, amount: Money) -> None:
    """Raises VoucherInsufficient, and then nothing has changed."""
    if not _hold(Voucher.objects.filter(pk=voucher.pk), amount.amount_minor):
        voucher.refresh_from_db()
        available_minor = voucher.balance_minor - voucher.held_minor
        raise VoucherInsufficient(
            f"{amount.amount_minor} {amount.currency} minor units are asked of the voucher and {available_minor} are "
            "left: pay the rest another way.",
            available_minor=available_minor,
            required_minor=amount.amount_minor,
        )


def take(payment: Payment, amount_minor: int) -> None:
    """Take a part of what the payment holds."""
    _change(payment, balance_minor=-amount_minor, held_minor=-amount_minor)


def let_go(payment: Payment, amount_minor: int) -> None:
    """Make a part of what the payment holds available again."""
    _change(payment, held_minor=-amount_minor)


def give_back(payment: Payment, amount_minor: int) -> None:
    """Return a part of what the payment took."""
    _change(payment, balance_minor=amount_minor)


def _hold(holders: Holders, amount_minor: int) -> bool:
    available = holders.filter(balance_minor__gte=F("held_minor") + amount_minor)
    return bool(available.update(held_minor=F("held_minor") + amount_minor))


def _change(payment: Payment, *, balance_minor: int = 0, held_minor: int = 0) -> None:
    changed = _holder_of(payment).update(
        balance_minor=F("balance_minor") + balance_minor, held_minor=F("held_minor") + held_minor
    )
    assert changed == 1, f"payment {payment.id} has no stored value behind it"


def _holder_of(payment: Payment) -> Holders:
    if payment.payment_type == PaymentType.VOUCHER:
        assert payment.voucher_id is not None
        return Voucher.objects.filter(pk=payment.voucher_id)
    return Wallet.objects.filter(user_id=payment.user_id, currency=payment.currency)
