"""Products of imported orders, and the stock they must have begun with."""

from collections.abc import Iterable, Sequence
from itertools import islice
from uuid import UUID, uuid5

from django.db import transaction

from core.catalog.models import Product, StockMovement
from core.catalog.services import stock
from core.ids import IMPORT_NAMESPACE
from core.orders.imports.catalogue_plan import ProductPlan
from core.orders.imports.invoices import product_id
from core.orders.imports.locks import lock_imports

PRODUCTS_PER_TRANSACTION = 1_000


def ensure_products(*, plans: Iterable[ProductPlan], batch_id: UUID, currency: str) -> dict[str, UUID]:
    """Make the products that are not there, open their stock for this batch, and return every id by stock code.

    Idempotent: an existing product keeps its name and price, and a batch opens a product's stock once.
    """
    ids: dict[str, UUID] = {}
    remaining = iter(plans)
    while chunk := list(islice(remaining, PRODUCTS_PER_TRANSACTION)):
        with transaction.atomic():
            lock_imports()
            chunk_ids = _ensure(chunk, currency)
            _open_stock(chunk, chunk_ids, batch_id)
        ids |= chunk_ids
    return ids


def _ensure(plans: Sequence[ProductPlan], currency: str) -> dict[str, UUID]:
    Product.objects.bulk_create(
        (
            Product(
                id=product_id(plan.sku),
                sku=plan.sku,
                name=plan.name or plan.sku,
                price_minor=plan.price_minor,
                currency=currency,
                # What was never sold at a price is a note in the file (a fee, a write-off), nothing to buy.
                is_active=plan.price_minor > 0,
            )
            for plan in plans
        ),
        ignore_conflicts=True,
    )
    return dict(Product.objects.filter(sku__in=[plan.sku for plan in plans]).values_list("sku", "id"))


def _open_stock(plans: Sequence[ProductPlan], ids: dict[str, UUID], batch_id: UUID) -> None:
    movements = {
        opening_id(batch_id, plan.sku): StockMovement(
            id=opening_id(batch_id, plan.sku),
            product_id=ids[plan.sku],
            quantity=plan.opening_stock,
            reason=StockMovement.Reason.OPENING,
            reference=str(batch_id),
            occurred_at=plan.first_seen,
        )
        for plan in plans
        if plan.opening_stock
    }
    there = set(StockMovement.objects.filter(pk__in=movements).values_list("pk", flat=True))
    missing = [movement for identity, movement in movements.items() if identity not in there]
    StockMovement.objects.bulk_create(missing)
    stock.give_back({movement.product_id: movement.quantity for movement in missing})


def opening_id(batch_id: UUID, sku: str) -> UUID:
    return uuid5(IMPORT_NAMESPACE, f"opening:{batch_id}:{sku}")
