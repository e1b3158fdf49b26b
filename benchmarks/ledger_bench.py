"""The ledger under load: `make bench-ledger`, or `python -m benchmarks.ledger_bench`.

On a stack of its own with empty data. Every figure has its baseline in the same run: what the driver alone, or a bare
scan, does with the same rows on the same machine.
"""

import argparse
import sys
from collections.abc import Callable, Sequence

from benchmarks.stack import Stack, fresh_stack
from deploy.local.layout import LEDGER_BENCH


def verify(stack: Stack) -> None:
    from benchmarks import ledger_verify

    ledger_verify.measure(stack)


def reads(stack: Stack) -> None:
    from benchmarks import ledger_reads

    ledger_reads.measure()


def export(stack: Stack) -> None:
    from benchmarks import ledger_export

    ledger_export.measure()


def sink(stack: Stack) -> None:
    from benchmarks import ledger_sink, ledger_whole_way

    ledger_whole_way.measure(raw_rate=ledger_sink.measure())


# In this order: all but verify leave events in Cassandra that PostgreSQL does not have, so verify comes first.
PARTS: dict[str, Callable[[Stack], None]] = {"verify": verify, "reads": reads, "export": export, "sink": sink}


def parser() -> argparse.ArgumentParser:
    arguments = argparse.ArgumentParser(prog="python -m benchmarks.ledger_bench", description=__doc__)
    arguments.add_argument("--only", choices=PARTS, action="append", help="this part, and others named so")
    return arguments


def main(argv: Sequence[str]) -> int:
    options = parser().parse_args(argv)
    with fresh_stack(LEDGER_BENCH) as stack:
        for name, measure in PARTS.items():
            if not options.only or name in options.only:
                measure(stack)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
