"""Numbers to places on a chart: round ticks, short labels, whole periods of time. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from math import ceil, floor, log10

from core.money import EXPONENTS

# Beyond this many days a bar a day is too thin to read, and periods become months.
DAYS_SHOWN_MAX = 124


def is_monthly(first_day: date, last_day: date) -> bool:
    return (last_day - first_day).days >= DAYS_SHOWN_MAX


def period_of(day: date, *, monthly: bool) -> date:
    """The first day of the period the day belongs to."""
    return day.replace(day=1) if monthly else day


def period_label(period: date, *, monthly: bool) -> str:
    return f"{period:%b %Y}" if monthly else f"{period.day} {period:%b}"


def ticks(largest: float, *, count: int = 4) -> list[float]:
    """About `count` round numbers from zero up to at least `largest`."""
    if largest <= 0:
        return [0.0, 1.0]
    rough = largest / count
    power = 10.0 ** floor(log10(rough))
    step = next(step * power for step in (1, 2, 2.5, 5, 10) if step * power >= rough)
    return [step * number for number in range(ceil(largest / step) + 1)]


def decades(values: Sequence[float]) -> list[float]:
    """Powers of ten that enclose the values; at least one decade."""
    positive = [value for value in values if value > 0]
    low = floor(log10(min(positive))) if positive else 0
    high = ceil(log10(max(positive))) if positive else 1
    return [10.0**power for power in range(low, max(high, low + 1) + 1)]


def short(value: float) -> str:
    """For an axis: 950, 1.2k, 3.4M."""
    for limit, mark in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= limit:
            return f"{value / limit:.3g}{mark}"
    return f"{value:.3g}"


def duration(milliseconds: float) -> str:
    """For people: 12 ms, 1.4 s, 3 min."""
    if milliseconds < 1_000:
        return f"{milliseconds:.3g} ms"
    if milliseconds < 120_000:
        return f"{milliseconds / 1_000:.3g} s"
    if milliseconds < 7_200_000:
        return f"{milliseconds / 60_000:.3g} min"
    return f"{milliseconds / 3_600_000:.3g} h"


def major(amount_minor: int, currency: str) -> Decimal:
    """Major units; a currency this installation does not know stays in minor units."""
    return Decimal(amount_minor).scaleb(-EXPONENTS.get(currency, 0))


def amount(amount_minor: int, currency: str) -> str:
    """For a table: 1,234.50, with a true minus sign."""
    return f"{major(amount_minor, currency):,}".replace("-", "\N{MINUS SIGN}")


@dataclass(frozen=True, slots=True)
class Frame:
    """The size of a drawing and the room around its plot, in pixels."""

    width: int
    height: int
    left: int = 58
    right: int = 12
    top: int = 12
    bottom: int = 28

    @property
    def plot_width(self) -> int:
        return self.width - self.left - self.right

    @property
    def plot_height(self) -> int:
        return self.height - self.top - self.bottom

    def x(self, share: float) -> float:
        return round(self.left + share * self.plot_width, 1)

    def y(self, share: float) -> float:
        """Upwards: share 0 is the base line, 1 the top."""
        return round(self.top + (1 - share) * self.plot_height, 1)

    @property
    def labels_max(self) -> int:
        """How many labels fit side by side below the plot."""
        return max(2, self.plot_width // 62)


# Each chart is drawn twice and the style sheet shows one: a scaled drawing would have unreadable letters on a phone.
WIDE = Frame(width=760, height=240)
NARROW = Frame(width=340, height=210, left=54)
