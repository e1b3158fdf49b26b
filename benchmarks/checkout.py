"""The wallet checkout under load: `make bench-checkout`, or `python -m benchmarks.checkout`.

32 clients in a closed loop pay draft orders of two lines that were made beforehand: tokens, idempotency keys and fsync
on; client, web and PostgreSQL on the same machine; relay and ledger beside them at lower priority. Only a 200 whose
order is paid counts, and after each run the database must agree with the answers. A figure is the median of its runs.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

from benchmarks.figures import Figure, median, percentile, report, say
from benchmarks.processor_time import seconds_by_program
from benchmarks.stack import Stack, fresh_stack
from deploy.local.layout import CHECKOUT_BENCH

if TYPE_CHECKING:
    from benchmarks.client import Outcome
    from benchmarks.load import Load
    from benchmarks.storefront import PreparedOrder, Storefront

BENCH = "checkout"
PARTS = ("standby", "acceptance", "hot", "sustained")
CONNECTIONS = 32
USERS = 5_000
PRODUCTS = 2_000
# Drafts made for a run: more than any machine of two cores can pay. What is left over stays a draft.
ORDERS_PER_SECOND_MAX = 1_200
EMPTY_SECONDS = 3.0
RAW_WRITES_SECONDS = 5.0
# An offered rate counts when the answers keep up with it and every order is readable in time.
RATES = (500, 450, 400, 350, 300, 250, 200, 150, 100, 50)
PROBE_SECONDS = 12.0
KEPT_UP = 0.98
# The raw driver writes one row; an event is three, and a margin.
WRITES_PER_ORDER = 4


@dataclass(slots=True)
class Bench:
    """One benchmark on one stack; remembers every order, because the totals are proved over all of them."""

    stack: Stack
    load: "Load"
    shop: "Storefront"
    orders: list["PreparedOrder"] = field(default_factory=list)
    accepted: list[UUID] = field(default_factory=list)
    drained: int = 0

    def run(self, *, seconds: float, hot: bool = False, rate: float = 0.0) -> "Outcome":
        """Pay fresh drafts for so long, and prove that the database says what was answered."""
        from benchmarks.proof import prove, prove_totals

        drafts = self.shop.drafts(int(seconds * (rate or ORDERS_PER_SECOND_MAX)) + CONNECTIONS, hot=hot)
        self.stack.settle()
        before = seconds_by_program(self.stack.layout)
        outcome = self.load.checkouts(drafts, seconds=seconds, rate=rate)
        after = seconds_by_program(self.stack.layout)
        prove(drafts, outcome)
        self.orders += drafts
        self.accepted += [UUID(name) for name, _ in outcome.accepted]
        prove_totals(self.orders, self.accepted)
        say(
            f"{len(outcome.accepted)} orders in {outcome.seconds:.1f} s: {rate_of(outcome):.0f}/s, "
            f"p50 {percentile(outcome.latencies_ms, 0.5):.0f} ms, p95 {percentile(outcome.latencies_ms, 0.95):.0f} ms"
        )
        costs = {name: (after[name] - before.get(name, 0.0)) * 1000 / len(outcome.accepted) for name in after}
        costs["client"] = outcome.processor_seconds * 1000 / len(outcome.accepted)
        dearest = sorted(costs.items(), key=lambda item: -item[1])[:8]
        say("processor ms an order: " + ", ".join(f"{name} {cost:.2f}" for name, cost in dearest))
        return outcome

    def drain(self) -> float:
        """Seconds until Cassandra has everything of the runs since the last drain."""
        from benchmarks.ledger import wait_recorded

        seconds = wait_recorded(self.accepted[self.drained :])
        self.drained = len(self.accepted)
        say(f"Cassandra has everything {seconds:.1f} s later")
        return seconds


def rate_of(outcome: "Outcome") -> float:
    return len(outcome.accepted) / outcome.seconds


def measure(options: argparse.Namespace, stack: Stack) -> None:
    """The parts asked for, in an order that stops the standby once."""
    from benchmarks.load import Load
    from benchmarks.proof import prove_books
    from benchmarks.storefront import Storefront

    bench = Bench(stack, Load(url=stack.url, connections=CONNECTIONS), Storefront(users=USERS, products=PRODUCTS))
    say("warming up")
    bench.run(seconds=min(3.0, options.seconds))
    with_standby = bursts(bench, options, "with the standby") if "standby" in options.only else []
    bench.drain()
    say("stopping the standby")
    stack.stop_standby()
    accepted = acceptance(bench, options) if {"acceptance", "standby", "hot"} & set(options.only) else None
    if with_standby:
        target = "350 required, 500 aimed at"
        report(Figure(BENCH, "acceptance_with_standby_per_second", median(with_standby), "1/s", accepted, target))
    if "hot" in options.only:
        hot = bursts(bench, options, "one product in all orders", hot=True)
        report(Figure(BENCH, "hot_product_per_second", median(hot), "1/s", accepted, "250 required, 500 aimed at"))
    bench.drain()
    if "sustained" in options.only:
        sustained(bench, options)
    prove_books()
    say("every book agrees")


def acceptance(bench: Bench, options: argparse.Namespace) -> float:
    """Report what is accepted without a standby, and return it: the other bursts are compared with it."""
    empty = rate_of_empty(bench)
    say(f"an empty endpoint answers {empty:.0f}/s")
    rates, p95s, drains = [], [], []
    for number in range(options.runs):
        say(f"burst {number + 1} of {options.runs}, no standby")
        outcome = bench.run(seconds=options.seconds)
        rates.append(rate_of(outcome))
        p95s.append(percentile(outcome.latencies_ms, 0.95))
        drains.append(bench.drain())
    report(Figure(BENCH, "acceptance_per_second", median(rates), "1/s", empty, "500 required, 750 aimed at"))
    report(Figure(BENCH, "acceptance_p95_ms", median(p95s), "ms", None, "at most 120 required, 80 aimed at"))
    report(Figure(BENCH, "backlog_drain_seconds", median(drains), "s", options.seconds, "reported"))
    return median(rates)


def bursts(bench: Bench, options: argparse.Namespace, what: str, *, hot: bool = False) -> list[float]:
    """Accepted orders a second of each run."""
    rates = []
    for number in range(options.runs):
        say(f"burst {number + 1} of {options.runs}, {what}")
        rates.append(rate_of(bench.run(seconds=options.seconds, hot=hot)))
        bench.drain()
    return rates


def rate_of_empty(bench: Bench) -> float:
    outcome = bench.load.empty(seconds=EMPTY_SECONDS)
    return rate_of(outcome)


def sustained(bench: Bench, options: argparse.Namespace) -> None:
    """The highest rate at which every order reaches Cassandra in time: short runs find it, a long one holds it."""
    from benchmarks.ledger import raw_writes_per_second

    raw = raw_writes_per_second(seconds=RAW_WRITES_SECONDS)
    say(f"the driver alone writes {raw:.0f} rows/s")
    probe_seconds = min(PROBE_SECONDS, options.sustained_seconds)
    rates = [options.rate] if options.rate else RATES
    held = 0.0
    for rate in rates:
        if not options.rate and not keeps_up(bench, rate, probe_seconds):
            continue
        if keeps_up(bench, rate, options.sustained_seconds):
            held = rate
            break
    report(Figure(BENCH, "sustained_per_second", held, "1/s", raw / WRITES_PER_ORDER, "250 required, 400 aimed at"))


def keeps_up(bench: Bench, rate: float, seconds: float) -> bool:
    """Whether this offered rate is answered as fast as it comes and everything is readable within the limit."""
    from benchmarks.ledger import READABLE_WITHIN_SECONDS, lags_of

    say(f"offering {rate:.0f}/s for {seconds:.0f} s")
    outcome = bench.run(seconds=seconds, rate=rate)
    bench.drain()
    latest = max(lags_of(outcome))
    answered = rate_of(outcome)
    say(f"answered {answered:.0f}/s, in Cassandra at the latest {latest:.1f} s after the answer")
    return latest <= READABLE_WITHIN_SECONDS and answered >= KEPT_UP * rate


def parser() -> argparse.ArgumentParser:
    arguments = argparse.ArgumentParser(prog="python -m benchmarks.checkout", description=__doc__)
    arguments.add_argument("--seconds", type=float, default=30.0, help="length of a burst")
    arguments.add_argument("--runs", type=int, default=3, help="bursts for each figure; the median counts")
    arguments.add_argument("--sustained-seconds", type=float, default=60.0, help="how long an offered rate is held")
    arguments.add_argument("--only", choices=PARTS, action="append", help="this part, and others named so")
    arguments.add_argument("--rate", type=float, default=0.0, help="offer this rate instead of looking for the highest")
    return arguments


def main(argv: Sequence[str]) -> int:
    options = parser().parse_args(argv)
    options.only = options.only or PARTS
    with fresh_stack(CHECKOUT_BENCH) as stack:
        measure(options, stack)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
