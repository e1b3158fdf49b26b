"""How large the ledger's partitions are at a billion payments: `python -m benchmarks.partition_sizes`. Needs no server.

Prints a table to standard error and one JSON line per figure. Exit code 1 when a size is above its bound.
"""

import argparse
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.figures import Figure, report, say

if TYPE_CHECKING:
    from benchmarks.population import Population, Sized

BENCH = "partition_sizes"


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bytes that the median and the largest partition may have."""

    p50: int
    max: int


BOUNDS = {
    "events_by_day": Bounds(p50=10_000_000, max=100_000_000),
    "payment_events": Bounds(p50=1_000_000, max=1_000_000),
    "payments_by_user_month": Bounds(p50=16_000_000, max=16_000_000),
}


@dataclass(frozen=True, slots=True)
class Sizes:
    """The partitions of one table, in bytes before compression; `rows_max` is the most rows in one."""

    table: str
    partitions: int
    p50: int
    p99: int
    max: int
    rows_max: int

    @property
    def is_within_bounds(self) -> bool:
        return self.p50 <= BOUNDS[self.table].p50 and self.max <= BOUNDS[self.table].max

    def figures(self) -> list[Figure]:
        bounds = BOUNDS[self.table]
        targets = {"p50": f"<= {bounds.p50 // 1000}", "p99": "", "max": f"<= {bounds.max // 1000}"}
        return [
            Figure(BENCH, f"{self.table}_{name}_kb", getattr(self, name) / 1000, "kB", target=target)
            for name, target in targets.items()
        ]

    def line(self) -> str:
        numbers = " ".join(f"{value / 1000:>10,.1f}" for value in (self.p50, self.p99, self.max))
        verdict = "within" if self.is_within_bounds else "TOO LARGE"
        return f"{self.table:<24} {self.partitions:>9,} {numbers} {self.rows_max:>9,}  {verdict}"


HEADING = f"{'table':<24} {'sized':>9} {'p50 kB':>10} {'p99 kB':>10} {'max kB':>10} {'max rows':>9}"


def sizes_of(population: "Population") -> list[Sizes]:
    """Generate and size the three tables whose partitions can grow."""
    return [
        summed("events_by_day", population.blocks()),
        summed("payment_events", population.orders()),
        summed("payments_by_user_month", population.user_months()),
    ]


def summed(table: str, partitions: Iterable["Sized"]) -> Sizes:
    """Percentiles by weight; the largest counts whatever its weight."""
    ordered = sorted(partitions, key=lambda sized: sized.size_bytes)
    return Sizes(
        table=table,
        partitions=len(ordered),
        p50=_percentile(ordered, 0.5),
        p99=_percentile(ordered, 0.99),
        max=ordered[-1].size_bytes,
        rows_max=max(sized.rows for sized in ordered),
    )


def _percentile(ordered: Sequence["Sized"], share: float) -> int:
    threshold, reached = share * sum(sized.weight for sized in ordered), 0.0
    for sized in ordered:
        reached += sized.weight
        if reached >= threshold:
            return sized.size_bytes
    return ordered[-1].size_bytes


def main(arguments: Sequence[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    # The generator books with the application's own classes; that needs its registry, and no server.
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")
    import django

    django.setup()
    from benchmarks.payment_lives import TYPE_SHARES
    from benchmarks.population import PEAK_FACTOR, Population
    from core.payments.domain.buckets import buckets_for

    events_a_day = Population(payments=options.payments).events_a_day
    planned = buckets_for(peak_events=events_a_day * PEAK_FACTOR, biggest_share=max(TYPE_SHARES.values()))
    population = Population(
        payments=options.payments,
        bucket_count=options.buckets or planned,
        seed=options.seed,
        ordinary_days=options.days,
        drawn=options.drawn,
    )
    say(f"{population}, {events_a_day} events on an average day; the rule asks for {planned} buckets")
    found = sizes_of(population)
    print("\n".join([HEADING, *(sizes.line() for sizes in found)]), file=sys.stderr)
    for sizes in found:
        for figure in sizes.figures():
            report(figure)
    return 0 if all(sizes.is_within_bounds for sizes in found) else 1


def parser() -> argparse.ArgumentParser:
    arguments = argparse.ArgumentParser(prog="python -m benchmarks.partition_sizes", description=__doc__)
    arguments.add_argument("--payments", type=_positive, default=1_000_000_000, help="in three years (a billion)")
    arguments.add_argument("--buckets", type=_positive, help="buckets a day, instead of what the rule asks for")
    arguments.add_argument("--days", type=_positive, default=4, help="ordinary days to hash whole, beside the peak")
    arguments.add_argument("--drawn", type=_positive, default=200_000, help="orders and user-months to draw")
    arguments.add_argument("--seed", type=int, default=20261121)
    return arguments


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not above zero")
    return number


if __name__ == "__main__":
    sys.exit(main())
