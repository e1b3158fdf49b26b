"""Stock: taken and given back by conditional statements, products locked in id order, last before commit."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from django.db import connection

# The locking SELECT fixes the lock order; the UPDATE alone would lock in whatever order its plan meets the rows.
_TAKING = """
wanted AS (
    SELECT * FROM unnest(%(product_ids)s::uuid[], %(quantities)s::bigint[]) AS line (product_id, quantity)
), locked AS MATERIALIZED (
    SELECT id FROM catalog_product
    WHERE id IN (SELECT product_id FROM wanted) AND {condition} ORDER BY id FOR NO KEY UPDATE
), taken AS (
    UPDATE catalog_product AS product SET stock = product.stock - wanted.quantity
    FROM locked JOIN wanted ON wanted.product_id = locked.id
    WHERE product.id = locked.id AND product.stock >= wanted.quantity
    RETURNING product.id
)
"""


def taking(*, condition: str = "true") -> str:
    """Parts of a WITH clause that take pieces, for a statement that does more; `taken` has the products' ids.

    No product is locked before `condition` was found true: it makes products the last locks of the statement.
    """
    return _TAKING.format(condition=condition)


def take(quantities: Mapping[UUID, int]) -> Sequence[UUID]:
    """Take these pieces; returns the products that had too few, and then the caller must roll back.

    Negative quantities give back. In the caller's transaction.
    """
    if not quantities:
        return []
    products = sorted(quantities)
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH {taking()} SELECT id FROM taken",
            {"product_ids": [str(product) for product in products], "quantities": [quantities[p] for p in products]},
        )
        taken = {row[0] for row in cursor.fetchall()}
    return [product for product in products if product not in taken]


def give_back(quantities: Mapping[UUID, int]) -> None:
    """Return pieces that were taken before. In the caller's transaction."""
    take({product: -quantity for product, quantity in quantities.items()})
