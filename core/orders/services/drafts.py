"""Draft orders and their lines, at the catalogue's prices of the moment, never the caller's."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from core.catalog.models import Product
from core.errors import NotFound
from core.orders.domain.order_state import FulfilmentStatus
from core.orders.errors import AmountTooLarge, OrderNotDraft, ProductUnavailable, TooManyLines
from core.orders.locks import lock_order
from core.orders.models import Order, OrderLine

LINES_MAX = 100
QUANTITY_MAX = 100_000
# Well inside bigint, and inside what a JSON reader keeps exact (2**53 - 1).
TOTAL_MINOR_MAX = 9_000_000_000_000_000


@dataclass(frozen=True, slots=True)
class LineRequest:
    product_id: UUID
    quantity: int


@transaction.atomic
def create_draft(*, user_id: UUID, lines: Sequence[LineRequest]) -> Order:
    """A draft order of these lines, in the one currency they share. Takes no stock and no money."""
    products = _products_on_sale(line.product_id for line in lines)
    currencies = {product.currency for product in products.values()}
    if len(currencies) > 1:
        raise ProductUnavailable(f"One order has one currency; these products are in {', '.join(sorted(currencies))}.")
    total = _total(products[line.product_id].price_minor * line.quantity for line in lines)
    order = Order.objects.create(user_id=user_id, currency=currencies.pop(), total_minor=total)
    OrderLine.objects.bulk_create(
        _priced(OrderLine(order=order, position=position, quantity=line.quantity), products[line.product_id])
        for position, line in enumerate(lines, start=1)
    )
    return order


@transaction.atomic
def add_line(*, order_id: UUID, user_id: UUID, line: LineRequest) -> OrderLine:
    """A new last line. Raises OrderNotDraft, ProductUnavailable, TooManyLines or AmountTooLarge."""
    order = lock_draft(order_id=order_id, user_id=user_id)
    lines = list(order.lines.all())
    if len(lines) >= LINES_MAX:
        raise TooManyLines(f"An order has at most {LINES_MAX} lines: make another order.")
    position = max((other.position for other in lines), default=0) + 1
    added = OrderLine(order=order, position=position, quantity=line.quantity)
    _write(order, others=lines, line=_priced(added, _product_for(order, line.product_id)))
    return added


@transaction.atomic
def change_quantity(*, order_id: UUID, user_id: UUID, line_id: UUID, quantity: int) -> OrderLine:
    """The line with this quantity, at the price of now. Raises what add_line does, or NotFound."""
    order = lock_draft(order_id=order_id, user_id=user_id)
    lines = list(order.lines.all())
    line = _line_among(lines, line_id)
    line.quantity = quantity
    others = [other for other in lines if other is not line]
    _write(order, others=others, line=_priced(line, _product_for(order, line.product_id)))
    return line


@transaction.atomic
def remove_line(*, order_id: UUID, user_id: UUID, line_id: UUID) -> None:
    """The order without this line; the others keep their positions. Raises OrderNotDraft or NotFound."""
    order = lock_draft(order_id=order_id, user_id=user_id)
    lines = list(order.lines.all())
    line = _line_among(lines, line_id)
    others = [other for other in lines if other is not line]
    _write(order, others=others)
    line.delete()


def lock_draft(*, order_id: UUID, user_id: UUID) -> Order:
    """The user's draft order, locked: nobody else changes its lines or pays for it until the transaction ends.

    In the caller's transaction. Raises NotFound or OrderNotDraft.
    """
    order = lock_order(order_id, user_id=user_id)
    require_draft(order)
    return order


def require_draft(order: Order) -> None:
    """Raises OrderNotDraft."""
    if order.fulfilment_status != FulfilmentStatus.DRAFT:
        raise OrderNotDraft(
            f"Order {order.id} is {order.fulfilment_status} and {order.payment_status}: no longer a draft.",
            fulfilment_status=str(order.fulfilment_status),
            payment_status=str(order.payment_status),
        )


def _products_on_sale(product_ids: Iterable[UUID]) -> dict[UUID, Product]:
    wanted = list(product_ids)
    products = Product.objects.filter(is_active=True).in_bulk(wanted)
    for product_id in wanted:
        if product_id not in products:
            raise ProductUnavailable(f"Product {product_id} is not sold here.", product_id=str(product_id))
    return products


def _product_for(order: Order, product_id: UUID) -> Product:
    product = _products_on_sale([product_id])[product_id]
    if product.currency != order.currency:
        raise ProductUnavailable(f"The order is in {order.currency}, the product in {product.currency}.")
    return product


def _priced(line: OrderLine, product: Product) -> OrderLine:
    line.product = product
    line.unit_price_minor = product.price_minor
    line.amount_minor = product.price_minor * line.quantity
    return line


def _line_among(lines: Sequence[OrderLine], line_id: UUID) -> OrderLine:
    for line in lines:
        if line.id == line_id:
            return line
    raise NotFound(f"The order has no line {line_id}.")


def _write(order: Order, *, others: Sequence[OrderLine], line: OrderLine | None = None) -> None:
    """The order's total from all of its lines, and the line that is new or changed."""
    lines = [*others, line] if line else others
    order.total_minor = _total(each.amount_minor for each in lines)
    order.save(update_fields=["total_minor"])
    if line:
        line.save()


def _total(amounts_minor: Iterable[int]) -> int:
    total = sum(amounts_minor)
    if total > TOTAL_MINOR_MAX:
        raise AmountTooLarge(f"The total of {total} minor units is over {TOTAL_MINOR_MAX}: split the order.")
    return total
