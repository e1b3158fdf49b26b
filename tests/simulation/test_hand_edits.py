"""Whatever is changed by hand is found, all of it, named to its key, and nothing else is."""

import random
from collections import Counter

import pytest

from payments_ledger.reconciliation.verify import verify
from tests.simulation import hands
from tests.simulation.statements import definitions
from tests.simulation.test_clean_runs import seeds
from tests.simulation.world import World

RUNS, RUNS_FULL = 50, 500


def find_what_was_done_by_hand(seed: int) -> None:
    world, rng = World(seed), random.Random(~seed)
    with world.installed():
        world.live(steps=25)
        world.settle()
        world.check()
        tables = sorted(verify().totals.keys() & definitions().keys())
        if rng.random() < 0.3:
            done = hands.clear_partition(rng, world.cassandra, table=rng.choice(tables), now_us=world.now_us)
        else:
            most = rng.randint(1, 6)
            done = hands.meddle(rng, world.cassandra, tables=tables, now_us=world.now_us, most=most)

        report = verify()

    # A payment may have several references, rows that are told apart by nothing a report names: so they are counted.
    found = Counter(_place(each) for each in report.differences)
    assert found == Counter(place for place, _ in done), f"SEED={seed}"
    for each in report.differences:
        allowed = set().union(*(kinds for place, kinds in done if place == _place(each)))
        assert each.kind in allowed, f"SEED={seed}: {each.sentence()}"


def _place(each):
    has_seq = "seq" in definitions()[each.table].key
    return each.table, each.payment_id, each.seq if has_seq else None


@pytest.mark.parametrize("seed", seeds(0, RUNS))
def test_every_hand_edit_is_found_and_nothing_else(seed):
    find_what_was_done_by_hand(seed)


@pytest.mark.full
@pytest.mark.parametrize("seed", seeds(RUNS, RUNS_FULL))
def test_every_hand_edit_is_found_and_nothing_else_in_full(seed):
    find_what_was_done_by_hand(seed)
