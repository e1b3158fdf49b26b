"""Refusals of payments."""

from collections.abc import Iterable
from datetime import date

from core.days import spans_of
from core.errors import AppError, Conflict


class InsufficientFunds(AppError):
    """The wallet does not hold enough."""

    code, status = "insufficient_funds", 402


class NoWallet(AppError):
    """The user has no wallet in this currency."""

    code, status = "no_wallet", 402


class DepositBookedAlready(Conflict):
    """The money of this reference was put into a wallet already."""

    code = "deposit_booked_already"


class VoucherUnusable(AppError):
    """There is no such voucher, or it cannot be used here."""

    code, status = "voucher_unusable", 402


class VoucherInsufficient(AppError):
    """The voucher has less left than is asked of it."""

    code, status = "voucher_insufficient", 402


class NothingHeld(Conflict):
    """The payment holds no money that could be taken or let go."""

    code = "nothing_held"


class NothingToRefund(Conflict):
    """The payment took no money that could be given back this way."""

    code = "nothing_to_refund"


class CaptureExceedsAuthorization(Conflict):
    """More is to be captured than is held and not yet on its way."""

    code = "capture_exceeds_authorization"


class RefundExceedsCapture(Conflict):
    """More is to be refunded than was captured and is not refunded, on its way back, or disputed."""

    code = "refund_exceeds_capture"


class OperationInProgress(Conflict):
    """The provider is still being asked; what comes next depends on its answer."""

    code, retryable, retry_after_seconds = "operation_in_progress", True, 1


class DisputeClosed(Conflict):
    """The dispute is over; nothing can be added to it."""

    code = "dispute_closed"


class DayNotOpen(Exception):
    """A past day was to be booked into without an open import batch that covers it."""


class DaySealed(DayNotOpen):
    """Sealed days were to be booked into: they are closed for good, also for an import."""

    def __init__(self, days: Iterable[date]) -> None:
        self.days = sorted(days)
        what = "is sealed and cannot" if len(self.days) == 1 else "are sealed and cannot"
        super().__init__(
            f"{spans_of(self.days)} {what} be booked into: book the correction on an open day, or leave these days out"
        )


class CalendarTooLate(Exception):
    """A bucket count must be planned at least a day before the day it is for, and once; its message says which."""


class BatchNotRecorded(Exception):
    """An import batch cannot be closed before Cassandra has acknowledged all of its events."""
