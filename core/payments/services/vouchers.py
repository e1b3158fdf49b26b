"""Vouchers: made by staff, spent by whoever has the code."""

import secrets
from datetime import datetime
from uuid import UUID

from django.db import transaction

from core.clock import now
from core.money import Money
from core.payments.domain.payment_state import EventType, PaymentType
from core.payments.domain.voucher_codes import ALPHABET, CODE_CHARACTERS, canonical_code
from core.payments.errors import VoucherUnusable
from core.payments.models import Voucher
from core.payments.services import payments


@transaction.atomic
def issue(*, amount: Money, issued_by: UUID, expires_at: datetime | None = None) -> Voucher:
    """Make a voucher over `amount`, and book what we owe by it. The code has 100 random bits."""
    voucher = Voucher.objects.create(
        code="".join(secrets.choice(ALPHABET) for _ in range(CODE_CHARACTERS)),
        currency=amount.currency,
        issued_minor=amount.amount_minor,
        balance_minor=amount.amount_minor,
        expires_at=expires_at,
    )
    payments.begin(
        event_type=EventType.VOUCHER_ISSUED,
        payment_type=PaymentType.VOUCHER_ISSUE,
        order_id=None,
        user_id=issued_by,
        amount=amount,
        voucher=voucher,
        object_id=voucher.id,
    )
    return voucher


def usable(*, code: str, currency: str) -> Voucher:
    """The voucher with this code. Raises VoucherUnusable when there is none, or it cannot pay in this currency now."""
    voucher = Voucher.objects.filter(code=canonical_code(code)).first()
    if voucher is None:
        raise VoucherUnusable("There is no voucher with this code: check its spelling.")
    if voucher.currency != currency:
        raise VoucherUnusable(f"The voucher is in {voucher.currency}, the order in {currency}: pay another way.")
    if voucher.expires_at is not None and voucher.expires_at <= now():
        raise VoucherUnusable(f"The voucher expired at {voucher.expires_at.isoformat()}: pay another way.")
    return voucher
