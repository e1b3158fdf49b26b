"""The instruments an order is paid with, and how each is authorized."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from django.conf import settings

from core.money import Money
from core.orders.errors import InstrumentsMismatch
from core.orders.models import Order
from core.payments.domain.payment_state import PROVIDER_TYPES, PaymentType
from core.payments.domain.voucher_codes import canonical_code
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
    named = [_without_what_is_not_read(instrument) for instrument in instruments]
    sources = [(instrument.method, instrument.token, instrument.code) for instrument in named]
    if len(set(sources)) != len(sources):
        raise InstrumentsMismatch("Each wallet, voucher, card or slip may be named once: add its amounts up.")
    return sorted(named, key=lambda instrument: (_LOCK_ORDER.index(instrument.method), instrument.code))


def _without_what_is_not_read(instrument: Instrument) -> Instrument:
    """One source has one name: a wallet has no token, and a voucher's code has one spelling."""
    return replace(
        instrument,
        token=instrument.token if instrument.method in PROVIDER_TYPES else "",
        code=canonical_code(instrument.code) if instrument.method == PaymentType.VOUCHER else "",
    )


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
