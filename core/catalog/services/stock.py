"""Stock: taken and given back by conditional statements, products locked in id order, last before commit."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from django.db import connection

# The locking SELECT fixes the lock order; the UPDATE alone would lock in whatever order its plan meets the rows.
_TAKE = """
WITH wanted AS (
    SELECT * FROM unnest(%s::uuid[], %s::bigint[]) AS line (product_id, quantity)
), locked AS MATERIALIZED (
    SELECT id FROM catalog_product WHERE id IN (SELECT product_id FROM wanted) ORDER BY id FOR NO KEY UPDATE
)
UPDATE catalog_product AS product SET stock = product.stock - wanted.quantity
FROM locked JOIN wanted ON wanted.product_id = locked.id
WHERE product.id = locked.id AND product.stock >= wanted.quantity
RETURNING product.id
"""


def take(quantities: Mapping[UUID, int]) -> Sequence[UUID]:
    """Take these pieces; returns the products that had too few, and then the caller must roll back.

    Negative quantities give back. In the caller's transaction.
    """
    if not quantities:
        return []
    products = sorted(quantities)
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, [[str(product) for product in products], [quantities[p] for p in products]])
        taken = {row[0] for row in cursor.fetchall()}
    return [product for product in products if product not in taken]


def give_back(quantities: Mapping[UUID, int]) -> None:
    """Return pieces that were taken before. In the caller's transaction."""
    take({product: -quantity for product, quantity in quantities.items()})
