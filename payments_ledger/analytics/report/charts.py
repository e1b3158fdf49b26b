"""The drawings of a report, as inline SVG. Pure: values in, text out; colours come from the page's style sheet."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from math import log10

from django.utils.safestring import SafeString, mark_safe

from payments_ledger.analytics.report.scales import NARROW, WIDE, Frame, decades, short, ticks

_TEXT_HEIGHT = 4


@dataclass(frozen=True, slots=True)
class Point:
    """One value of a series and what to say of it; None where there is none."""

    label: str
    value: float | None
    tip: str


@dataclass(frozen=True, slots=True)
class Series:
    """Points of one colour: `style` is a class of the style sheet, one or two."""

    name: str
    style: str
    points: Sequence[Point]


@dataclass(frozen=True, slots=True)
class Cell:
    """One day of a strip. `mark` is a letter or sign, so that colour is never the only one."""

    label: str
    style: str
    mark: str
    tip: str


def bars(title: str, series: Series) -> SafeString:
    """A bar for each point, from zero up."""
    return _both(title, lambda frame: _bars(frame, series))


def lines(title: str, series: Sequence[Series], *, label: Callable[[float], str] = short) -> SafeString:
    """A line for each series over a logarithmic axis, with a dot at each point."""
    return _both(title, lambda frame: _lines(frame, series, label))


def balances(title: str, points: Sequence[Point]) -> SafeString:
    """A horizontal bar for each point, debits to the right of the middle and credits to the left."""
    return _both(title, lambda frame: _balances(frame, points), height_of=lambda frame: 16 + 34 * len(points))


def strip(title: str, cells: Sequence[Cell]) -> SafeString:
    """A square for each day, in rows."""
    side = 34

    def rows(frame: Frame) -> int:
        return -(-len(cells) // (frame.width // side))

    return _both(title, lambda frame: _strip(frame, cells, side), height_of=lambda frame: rows(frame) * side + 2)


def _both(title: str, draw: Callable[[Frame], str], *, height_of: Callable[[Frame], int] | None = None) -> SafeString:
    drawn = []
    for name, base in (("wide", WIDE), ("narrow", NARROW)):
        frame = base if height_of is None else Frame(base.width, height_of(base), left=0, right=0, top=0, bottom=0)
        drawn.append(
            f'<svg class="{name}" role="img" aria-label="{escape(title)}" viewBox="0 0 {frame.width} {frame.height}" '
            f'width="{frame.width}" height="{frame.height}">{draw(frame)}</svg>'
        )
    # Every text that came from outside has passed through escape.
    return mark_safe("".join(drawn))


def _bars(frame: Frame, series: Series) -> str:
    values = [point.value or 0 for point in series.points]
    marks = ticks(max(values, default=0))
    top, slot = marks[-1], frame.plot_width / max(len(values), 1)
    width = round(max(1.0, slot * 0.72), 1)
    parts = [_grid(frame, [(mark / top, short(mark)) for mark in marks]), _labels(frame, series.points)]
    for place, point in enumerate(series.points):
        if point.value:
            y = frame.y(point.value / top)
            x = round(frame.left + place * slot + (slot - width) / 2, 1)
            height = round(frame.y(0) - y, 1)
            parts.append(
                f'<rect class="{series.style}" x="{x}" y="{y}" width="{width}" height="{height}" rx="1">'
                f"<title>{escape(point.tip)}</title></rect>"
            )
    return "".join(parts)


def _lines(frame: Frame, series: Sequence[Series], label: Callable[[float], str]) -> str:
    marks = decades([point.value for one in series for point in one.points if point.value is not None])
    low, high = log10(marks[0]), log10(marks[-1])

    def share(value: float) -> float:
        return (log10(max(value, marks[0])) - low) / (high - low)

    parts = [_grid(frame, [(share(mark), label(mark)) for mark in marks]), _labels(frame, series[0].points)]
    for one in series:
        slot = frame.plot_width / max(len(one.points), 1)
        dots = [
            (round(frame.left + (place + 0.5) * slot, 1), frame.y(share(point.value)), point.tip)
            for place, point in enumerate(one.points)
            if point.value is not None
        ]
        path = " ".join(f"{x},{y}" for x, y, _ in dots)
        parts.append(f'<polyline class="{one.style} line" points="{path}"/>')
        parts += [
            f'<circle class="{one.style}" cx="{x}" cy="{y}" r="3"><title>{escape(tip)}</title></circle>'
            for x, y, tip in dots
        ]
    return "".join(parts)


def _balances(frame: Frame, points: Sequence[Point]) -> str:
    largest = max((abs(point.value or 0) for point in points), default=0) or 1
    middle = frame.width / 2
    parts = [f'<line class="base" x1="{middle}" x2="{middle}" y1="0" y2="{frame.height}"/>']
    for place, point in enumerate(points):
        value, y = point.value or 0, place * 34 + 8
        width = round(max(abs(value) / largest * (middle - 4), 1), 1)
        x = middle if value >= 0 else round(middle - width, 1)
        # A name stands on the side where its bar is not.
        anchor, text_x = ("end", middle - 8) if value >= 0 else ("start", middle + 8)
        parts.append(
            f'<rect class="{"one" if value >= 0 else "two"}" x="{x}" y="{y}" width="{width}" height="22" rx="1">'
            f"<title>{escape(point.tip)}</title></rect>"
            f'<text x="{text_x}" y="{y + 15}" text-anchor="{anchor}">{escape(point.label)}</text>'
        )
    return "".join(parts)


def _strip(frame: Frame, cells: Sequence[Cell], side: int) -> str:
    columns = frame.width // side
    parts = []
    for place, cell in enumerate(cells):
        x, y = place % columns * side + 1, place // columns * side + 1
        middle = x + (side - 3) / 2
        parts.append(
            f'<g class="cell {cell.style}"><title>{escape(cell.tip)}</title>'
            f'<rect x="{x}" y="{y}" width="{side - 3}" height="{side - 3}" rx="3"/>'
            f'<text x="{middle}" y="{y + 14}" text-anchor="middle">{escape(cell.mark)}</text>'
            f'<text x="{middle}" y="{y + 27}" text-anchor="middle" class="small">{escape(cell.label)}</text></g>'
        )
    return "".join(parts)


def _grid(frame: Frame, marks: Sequence[tuple[float, str]]) -> str:
    right = frame.width - frame.right
    return "".join(
        f'<line class="{"base" if share == 0 else "grid"}" x1="{frame.left}" x2="{right}" '
        f'y1="{frame.y(share)}" y2="{frame.y(share)}"/>'
        f'<text x="{frame.left - 6}" y="{frame.y(share) + _TEXT_HEIGHT}" text-anchor="end">{escape(text)}</text>'
        for share, text in marks
    )


def _labels(frame: Frame, points: Sequence[Point]) -> str:
    """As many labels below the plot as fit, evenly spaced."""
    slot = frame.plot_width / max(len(points), 1)
    every = -(-len(points) // frame.labels_max)
    return "".join(
        f'<text x="{round(frame.left + (place + 0.5) * slot, 1)}" y="{frame.height - 8}" text-anchor="middle">'
        f"{escape(point.label)}</text>"
        for place, point in enumerate(points)
        if place % every == 0
    )
