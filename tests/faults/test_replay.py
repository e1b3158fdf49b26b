"""Kafka may deliver everything again: the digests of the five recorded tables do not change."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from deploy.local.control import Stack
from payments_ledger.reconciliation.checks import CHECKS
from payments_ledger.reconciliation.verify import verify
from tests.storefront import Storefront
from tests.waiting import eventually

GROUP = "ledger"


def offsets() -> dict[int, int]:
    """Partition → stored offset of the ledger's consumer group."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT partition, next_offset FROM outbox_consumer_offset WHERE group_id = %s",
            [GROUP],
        )
        return dict(cursor.fetchall())


def digests() -> dict[str, object]:
    today = datetime.now(UTC).date()
    report = verify(first_day=today - timedelta(days=1), last_day=today)
    assert [difference.sentence() for difference in report.differences] == []
    assert report.totals.keys() == {"postgresql", *CHECKS}
    return {
        store: (summary.count, summary.presence, summary.content, summary.sums)
        for store, summary in report.totals.items()
    }


@pytest.mark.parametrize("times", [1, 2])
def test_replaying_the_whole_topic_changes_no_digest(stack: Stack, times):
    shop = Storefront(wallet_minor=10_000)
    for _ in range(3):
        order_id = shop.order(shop.product(price_minor=100))
        shop.checkout(order_id)
        shop.recorded(order_id)
    stack.stop("relay")
    before, end = digests(), offsets()
    assert sum(end.values()) > 0

    for _ in range(times):
        stack.stop("ledger")
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE outbox_consumer_offset SET next_offset = 0 WHERE group_id = %s",
                [GROUP],
            )
        stack.start("ledger")
        eventually(lambda: offsets() == end, seconds_max=60, what="the whole topic was read again")

    assert digests() == before
