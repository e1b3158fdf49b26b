"""Each of these sinks and verifications is broken on purpose, and the small world must notice within 100 seeds."""

from contextlib import suppress
from dataclasses import replace

import pytest

from core.payments.domain.buckets import bucket_of
from core.payments.selectors import watermark
from payments_ledger import gaps, sink, writing
from payments_ledger.errors import LedgerUnavailable
from payments_ledger.rows import rows_of
from payments_ledger.sink import LedgerProjection
from payments_ledger.tables import EVENTS_BY_DAY, PAYMENTS_BY_ID, PAYMENTS_BY_USER_MONTH
from tests.simulation.books import moment_of
from tests.simulation.verdicts import Violation
from tests.simulation.world import Sabotage, World

SEEDS_MAX = 100


def timestamp_of_the_consumers_clock(patch, world):
    def stamped(*given, **claims):
        return replace(rows_of(*given, **claims), write_timestamp_us=world.actors_clock())

    patch.setattr(sink, "rows_of", stamped)


def null_instead_of_unset(patch, world):
    patch.setattr(writing, "_with_unset", lambda row: row)


def latest_state_without_its_timestamp(patch, world):
    grouped = writing._grouped

    def now_for_states(table, rows):
        if table in (PAYMENTS_BY_ID, PAYMENTS_BY_USER_MONTH):
            rows = [(row, replace(event, write_timestamp_us=world.actors_clock())) for row, event in rows]
        return grouped(table, rows)

    patch.setattr(writing, "_grouped", now_for_states)


def latest_state_by_arrival(patch, world):
    patch.setattr(
        writing, "latest_of_each", lambda events: list({event.payment_id: event for event in events}.values())
    )


def bucket_of_the_consumers_day(patch, world):
    """As if the sink asked the calendar of its own day, where the event has said it already."""

    def rebucketed(*given, **claims):
        rows = rows_of(*given, **claims)
        bucket = bucket_of(rows.payment_id, world.bucket_count(moment_of(world.actors_clock()).date()))
        place = EVENTS_BY_DAY.columns.index("bucket")
        return replace(rows, entry=(*rows.entry[:place], bucket, *rows.entry[place + 1 :]))

    patch.setattr(sink, "rows_of", rebucketed)


def gaps_ignored(patch, world):
    patch.setattr(gaps, "refetched", lambda keys: [])


def gaps_written_and_not_recorded(patch, world):
    record = LedgerProjection.record

    def forgetful(self, batch):
        self._refetched.clear()
        record(self, batch)

    patch.setattr(LedgerProjection, "record", forgetful)


def watermark_is_now(patch, world):
    patch.setattr(watermark, "read", lambda: moment_of(world.now_us))


def watermark_without_open_transactions(patch, world):
    patch.setattr(world.books, "sees_open_transactions", False)


class AcknowledgesAnyway(LedgerProjection):
    """Goes on to record although Cassandra did not take everything."""

    def project(self, batch):
        with suppress(LedgerUnavailable):
            super().project(batch)


SABOTAGES = {
    **{
        made.__name__: Sabotage(apply=made)
        for made in (
            timestamp_of_the_consumers_clock,
            null_instead_of_unset,
            latest_state_without_its_timestamp,
            latest_state_by_arrival,
            bucket_of_the_consumers_day,
            gaps_ignored,
            gaps_written_and_not_recorded,
            watermark_is_now,
            watermark_without_open_transactions,
        )
    },
    "acknowledges_anyway": Sabotage(make_sink=AcknowledgesAnyway),
    "one_replica_is_enough": Sabotage(quorum=1),
}


@pytest.mark.parametrize("name", SABOTAGES)
def test_a_broken_ledger_is_caught(name):
    assert any(is_caught(seed, SABOTAGES[name]) for seed in range(SEEDS_MAX))


def is_caught(seed, sabotage):
    try:
        World(seed, sabotage=sabotage).run()
    except Violation as violation:
        return str(violation).startswith(f"SEED={seed}: ")
    return False
