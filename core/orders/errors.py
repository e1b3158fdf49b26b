"""Refusals of orders."""

from core.errors import AppError, Conflict


class OrderNotDraft(Conflict):
    """The order is no longer a draft."""

    code = "order_not_draft"


class EmptyOrder(Conflict):
    """The order has no lines."""

    code = "empty_order"


class OutOfStock(Conflict):
    """Not enough stock for at least one line."""

    code = "out_of_stock"


class ProductUnavailable(AppError):
    """A product does not exist, is not sold any more, or is sold in another currency."""

    code = "product_unavailable"


class AmountTooLarge(AppError):
    """The order's total is larger than can be handled."""

    code = "amount_too_large"
