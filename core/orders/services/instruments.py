"""The instruments an order is paid with, and how each is authorized."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings

from core.money import Money
from core.orders.errors import InstrumentsMismatch
from core.orders.models import Order
from core.payments.domain.payment_state import PaymentType
from core.payments.models import Payment
from core.payments.services import authorizations

# Vouchers before wallets, both before what is asked of a provider: the order in which their rows are locked.
_LOCK_ORDER = (PaymentType.VOUCHER, PaymentType.WALLET, PaymentType.BOLETO, PaymentType.CARD)


@dataclass(frozen=True, slots=True)
class Instrument:
    """A part of an order's total and where it comes from. `token` is a provider's, `code` a voucher's."""

    method: PaymentType
    amount_minor: int
    token: str = ""
    code: str = ""


def arranged(instruments: Sequence[Instrument], *, total_minor: int) -> Sequence[Instrument]:
    """The instruments in lock order. Raises InstrumentsMismatch unless they add up to the total, each source once."""
    if sum(instrument.amount_minor for instrument in instruments) != total_minor:
        given = " + ".join(str(instrument.amount_minor) for instrument in instruments)
        raise InstrumentsMismatch(f"The instruments add up to {given}, the order costs {total_minor} minor units.")
    sources = [(instrument.method, instrument.token, instrument.code) for instrument in instruments]
    if len(set(sources)) != len(sources):
        raise InstrumentsMismatch("Each wallet, voucher, card or slip may be named once: add its amounts up.")
    return sorted(instruments, key=lambda instrument: (_LOCK_ORDER.index(instrument.method), instrument.code))


def authorize(instrument: Instrument, *, order: Order, checkout_id: UUID) -> Payment:
    """Hold stored value now, or write down that a provider is to be asked. Raises what the instrument refuses with."""
    amount = Money(instrument.amount_minor, order.currency)
    if instrument.method == PaymentType.WALLET:
        return authorizations.hold_in_wallet(
            order_id=order.id, checkout_id=checkout_id, user_id=order.user_id, amount=amount
        )
    if instrument.method == PaymentType.VOUCHER:
        return authorizations.hold_in_voucher(
            order_id=order.id, checkout_id=checkout_id, user_id=order.user_id, amount=amount, code=instrument.code
        )
    return authorizations.request(
        payment_type=instrument.method,
        order_id=order.id,
        checkout_id=checkout_id,
        user_id=order.user_id,
        amount=amount,
        provider=settings.CARD_GATEWAY,
        token=instrument.token,
    )
