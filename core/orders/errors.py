"""Refusals of orders."""

from collections.abc import Sequence
from uuid import UUID

from core.errors import AppError, Conflict


class OrderNotDraft(Conflict):
    """The order is no longer a draft."""

    code = "order_not_draft"


class EmptyOrder(Conflict):
    """The order has no lines."""

    code = "empty_order"


class TooManyLines(Conflict):
    """The order has as many lines as it can have."""

    code = "too_many_lines"


class OutOfStock(Conflict):
    """Not enough stock for at least one line."""

    code = "out_of_stock"

    @classmethod
    def of(cls, product_ids: Sequence[UUID]) -> "OutOfStock":
        """The refusal for want of these products."""
        names = [str(product_id) for product_id in product_ids]
        return cls("Not enough stock of: " + ", ".join(names), product_ids=names)


class NotCancellable(Conflict):
    """The order has left, or was cancelled before."""

    code = "order_not_cancellable"


class NotCapturable(Conflict):
    """Only the payments of a confirmed order can be captured."""

    code = "order_not_capturable"


class NotShippable(Conflict):
    """Only an order that is confirmed and paid in full can be shipped."""

    code = "order_not_shippable"


class NotRecordedInLedger(Conflict):
    """The order's payments are not recorded in the ledger yet; it may be shipped when they are."""

    code, retryable, retry_after_seconds = "ledger_not_recorded", True, 2


class InstrumentsMismatch(AppError):
    """The instruments do not add up to the order's total, or name the same source twice."""

    code = "instruments_mismatch"


class ProductUnavailable(AppError):
    """A product does not exist, is not sold any more, or is sold in another currency."""

    code = "product_unavailable"


class AmountTooLarge(AppError):
    """The order's total is larger than can be handled."""

    code = "amount_too_large"
