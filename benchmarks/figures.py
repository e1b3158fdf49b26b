"""What a benchmark prints: one JSON line per figure on standard output, progress on standard error."""

import json
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

_began = time.monotonic()


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number; `baseline` is measured in the same run on the same machine, so that the ratio travels."""

    bench: str
    figure: str
    value: float
    unit: str
    baseline: float | None = None
    target: str = ""

    def line(self) -> str:
        ratio = None if not self.baseline else round(self.value / self.baseline, 4)
        return json.dumps(
            {
                "bench": self.bench,
                "figure": self.figure,
                "value": round(self.value, 2),
                "unit": self.unit,
                "baseline": None if self.baseline is None else round(self.baseline, 2),
                "ratio": ratio,
                "target": self.target,
            }
        )


def report(figure: Figure) -> None:
    print(figure.line(), flush=True)


def say(text: str) -> None:
    """Progress, with the seconds since the start."""
    print(f"[{time.monotonic() - _began:6.1f} s] {text}", file=sys.stderr, flush=True)


def median(values: Sequence[float]) -> float:
    return float(statistics.median(values))


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0 to 1) of the values lie; the nearest one there is."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]
