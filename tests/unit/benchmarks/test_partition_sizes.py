"""The sizes of the ledger's partitions: repeatable, within their bounds, and able to exceed them."""

import json
import re
from pathlib import Path

import pytest

from benchmarks import partition_sizes
from benchmarks.payment_lives import EVENTS_PER_PAYMENT, LIVES_PER_HUNDRED, TYPE_SHARES, entry_bytes_of_life
from benchmarks.population import PEAK_FACTOR, Population
from core.payments.domain.buckets import ENTRY_BYTES, buckets_for
from core.payments.domain.payment_state import PaymentType

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "partition-sizes.md"
# Events on the peak day, share of the biggest type, buckets.
PLANNED = re.compile(r"^\| ([\d,]+) \| (\d+) % \| (\d+) \|", re.MULTILINE)


def test_the_assumptions_are_those_of_the_document():
    assert EVENTS_PER_PAYMENT == 2.5
    assert sum(TYPE_SHARES.values()) == pytest.approx(1)
    assert max(TYPE_SHARES.values()) == 0.7


def test_the_planned_bytes_of_an_event_are_those_of_real_rows():
    bytes_of_hundred = sum(
        share * entry_bytes_of_life(PaymentType.CARD, events) for events, share in LIVES_PER_HUNDRED.items()
    )

    mean = bytes_of_hundred / (100 * EVENTS_PER_PAYMENT)
    assert mean <= ENTRY_BYTES <= 1.1 * mean


def test_the_rule_gives_the_documented_counts():
    planned = [
        (int(events.replace(",", "")), int(share) / 100, int(buckets))
        for events, share, buckets in PLANNED.findall(DOCUMENT.read_text())
    ]

    assert len(planned) >= 4
    assert [buckets_for(peak_events=events, biggest_share=share) for events, share, _ in planned] == [
        buckets for _, _, buckets in planned
    ]


def test_a_billion_payments_need_64_buckets():
    peak = Population().events_a_day * PEAK_FACTOR

    assert peak == 22_810_220
    assert buckets_for(peak_events=peak, biggest_share=0.7) == 64


@pytest.mark.parametrize(("events", "share"), [(1000, 0.0), (1000, 1.1), (-1, 0.5), (10**12, 1.0)])
def test_a_day_that_cannot_be_is_refused(events, share):
    with pytest.raises(ValueError, match=str(events)):
        buckets_for(peak_events=events, biggest_share=share)


def test_the_same_seed_gives_the_same_sizes():
    small = Population(payments=200_000, bucket_count=4, ordinary_days=2, drawn=500)

    assert partition_sizes.sizes_of(small) == partition_sizes.sizes_of(small)
    assert [sized.rows for sized in small.blocks()] != [
        sized.rows for sized in Population(payments=200_000, bucket_count=4, ordinary_days=2, seed=1).blocks()
    ]


def test_every_event_of_a_day_is_in_a_block_and_the_hash_spreads_them_evenly():
    population = Population(payments=8_000_000, bucket_count=8, ordinary_days=1)

    blocks = list(population.blocks())
    peak = [sized for sized in blocks if sized.weight == 1]
    cards = [sized.rows for sized in peak[:8]]

    assert sum(sized.rows for sized in peak) == pytest.approx(population.events_a_day * PEAK_FACTOR, rel=0.01)
    assert max(cards) - min(cards) < 0.1 * max(cards)


def test_the_command_reports_each_figure_and_exits_0_within_the_bounds(capsys):
    code = partition_sizes.main(["--payments", "200000", "--days", "1", "--drawn", "500"])

    figures = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert code == 0
    assert len(figures) == 9
    assert {figure["figure"] for figure in figures} >= {"events_by_day_max_kb", "payments_by_user_month_p50_kb"}


def test_the_command_exits_1_when_a_block_is_too_large(capsys):
    code = partition_sizes.main(["--payments", "40000000", "--days", "1", "--buckets", "1", "--drawn", "500"])

    assert code == 1
    assert "TOO LARGE" in capsys.readouterr().err
