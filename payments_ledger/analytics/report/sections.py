"""The sections of a report: each a plot, what it says in words, and the table of its figures. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date

from django.utils.safestring import SafeString

from payments_ledger.analytics.report import charts
from payments_ledger.analytics.report.agreement import Agreement, DayAgreement, Verdict
from payments_ledger.analytics.report.charts import Cell, Point, Series
from payments_ledger.analytics.report.figures import DayMoney, Figures
from payments_ledger.analytics.report.scales import amount, duration, is_monthly, major, period_label, period_of

NO_DATA = "No data yet."
# A longer table is folded away; the plot and its summary come first.
ROWS_OPEN_MAX = 12


@dataclass(frozen=True, slots=True)
class Table:
    """Figures as text. The first column names the row, and columns after it are numbers."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]

    @property
    def is_open(self) -> bool:
        return len(self.rows) <= ROWS_OPEN_MAX


@dataclass(frozen=True, slots=True)
class Section:
    """`plot` is empty where there is nothing to draw, and `summary` then says why."""

    title: str
    summary: str
    plot: SafeString | str = ""
    table: Table | None = None
    legend: Sequence[tuple[str, str]] = field(default_factory=tuple)


def sections_of(figures: Figures, agreement: Agreement) -> list[Section]:
    """Every section, in the order of the page; one without data says so."""
    return [
        *(captured(figures, currency) for currency in figures.currencies or [""]),
        *(refunded(figures, currency) for currency in figures.currencies or [""]),
        freshness(figures),
        agreed(agreement),
        *(accounts(figures, currency) for currency in _currencies_of(figures) or [""]),
    ]


def captured(figures: Figures, currency: str) -> Section:
    title = f"Captured volume, {currency}" if currency else "Captured volume"
    days = [row for row in figures.money if row.currency == currency]
    if not days:
        return Section(title, NO_DATA)
    total, count = sum(row.captured_minor for row in days), sum(row.captures for row in days)
    table = Table(
        ("day", "captures", f"captured, {currency}", "events"),
        [
            (f"{row.day}", f"{row.captures:,}", amount(row.captured_minor, currency), f"{row.events:,}")
            for row in sorted(days, key=lambda row: row.day)
        ],
    )
    points = _points(figures, days, lambda row: row.captured_minor, currency)
    plot = charts.bars(title, Series(currency, "one", points))
    return Section(title, f"{amount(total, currency)} {currency} in {count:,} captures.", plot, table)


def refunded(figures: Figures, currency: str) -> Section:
    title = f"Refunds, {currency}" if currency else "Refunds"
    days = [row for row in figures.money if row.currency == currency]
    given, taken = sum(row.refunded_minor for row in days), sum(row.captured_minor for row in days)
    count = sum(row.refunds for row in days)
    if not count:
        return Section(title, "None in this period." if days else NO_DATA)
    table = Table(
        ("day", "refunds", f"refunded, {currency}", "share of captured"),
        [
            (f"{row.day}", f"{row.refunds:,}", amount(row.refunded_minor, currency), _share(row))
            for row in sorted(days, key=lambda row: row.day)
            if row.refunds
        ],
    )
    share = f", {100 * given / taken:.2f} % of what was captured" if taken else ""
    summary = f"{amount(given, currency)} {currency} given back in {count:,} refunds and credits{share}."
    points = _points(figures, days, lambda row: row.refunded_minor, currency)
    return Section(title, summary, charts.bars(title, Series(currency, "two", points)), table)


def freshness(figures: Figures) -> Section:
    title = "Freshness: how soon Cassandra has an event"
    waiting = f"{figures.unrecorded:,} events of these days are not recorded yet. " if figures.unrecorded else ""
    if not figures.lags:
        return Section(title, waiting + NO_DATA)
    summary = (
        f"{waiting}From the start of the transaction that books an event to Cassandra's acknowledgement of it, for the "
        "newest recorded event of each payment; imports are left out. The scale is logarithmic."
    )
    table = Table(
        ("day", "events", "half within", "99 % within", "longest"),
        [
            (f"{row.day}", f"{row.events:,}", duration(row.p50_ms), duration(row.p99_ms), duration(row.max_ms))
            for row in figures.lags
        ],
    )
    series = [
        Series(
            name,
            style,
            [
                Point(f"{lag.day.day} {lag.day:%b}", value(lag), f"{lag.day}: {name} {duration(value(lag))}")
                for lag in figures.lags
            ],
        )
        for name, style, value in (
            ("half within", "one", lambda lag: lag.p50_ms),
            ("99 % within", "two", lambda lag: lag.p99_ms),
        )
    ]
    return Section(
        title,
        summary,
        charts.lines(title, series, label=duration),
        table,
        legend=[(one.style, one.name) for one in series],
    )


_MARKS = {Verdict.SEALED: "S", Verdict.AGREES: "\N{CHECK MARK}", Verdict.DIFFERS: "\N{MULTIPLICATION SIGN}"}


def agreed(agreement: Agreement) -> Section:
    title = "Agreement of PostgreSQL and Cassandra"
    problem = f"{agreement.problem}. " if agreement.problem else ""
    looked_at = [day for day in agreement.days if day.verdict is not Verdict.UNKNOWN]
    if not looked_at:
        return Section(title, f"{problem}{NO_DATA} None of these days has been sealed or verified.")
    counts = {verdict: agreement.count(verdict) for verdict in Verdict}
    cells = [
        Cell(f"{day.day.day}", day.verdict.name.lower(), _MARKS.get(day.verdict, "\N{MIDDLE DOT}"), _told(day))
        for day in agreement.days
    ]
    table = Table(
        ("day", "verdict", "verified up to", "seal", "events sealed"),
        [
            (
                f"{day.day}",
                day.verdict.value,
                f"{day.verified_at:%Y-%m-%d %H:%M}" if day.verified_at else "",
                _text(day.seal_no),
                _text(day.events),
            )
            for day in looked_at
        ],
    )
    summary = ", ".join(f"{count} {verdict.value}" for verdict, count in counts.items() if count)
    legend = [(verdict.name.lower(), f"{mark} {verdict.value}") for verdict, mark in _MARKS.items()]
    return Section(title, f"{problem}Days: {summary}.", charts.strip(title, cells), table, legend=legend)


def accounts(figures: Figures, currency: str) -> Section:
    title = f"Money by account, {currency}" if currency else "Money by account"
    held = [row for row in figures.accounts if row.currency == currency]
    if not held:
        return Section(title, NO_DATA)
    total = sum(row.closing_minor for row in held)
    # What counts most stands first: on a phone the others are reached by scrolling.
    parts = ("closing_minor", "opening_minor", "debits_minor", "credits_minor")
    rows = [(row.account, *(amount(getattr(row, part), currency) for part in parts)) for row in held]
    rows.append(("sum", *(amount(sum(getattr(row, part) for row in held), currency) for part in parts)))
    points = [
        Point(row.account, row.closing_minor, f"{row.account}: {amount(row.closing_minor, currency)} {currency}")
        for row in sorted(held, key=lambda row: -row.closing_minor)
    ]
    verdict = (
        "The accounts sum to zero." if total == 0 else f"THE ACCOUNTS DO NOT SUM TO ZERO: {amount(total, currency)}."
    )
    summary = f"Balances at the end of {figures.last_day}; debits to the right, credits to the left. {verdict}"
    table = Table(("account", "after", "before", "debits", "credits"), rows)
    return Section(title, summary, charts.balances(title, points), table)


def _points(figures: Figures, rows: Sequence[DayMoney], value: Callable[[DayMoney], int], currency: str) -> list[Point]:
    """A point for each day of the report, or for each month of a long one; days without events are zero."""
    monthly = is_monthly(figures.first_day, figures.last_day)
    sums: dict[date, int] = {}
    for ordinal in range(figures.first_day.toordinal(), figures.last_day.toordinal() + 1):
        sums.setdefault(period_of(date.fromordinal(ordinal), monthly=monthly), 0)
    for row in rows:
        sums[period_of(row.day, monthly=monthly)] += value(row)
    return [
        Point(
            period_label(period, monthly=monthly),
            float(major(minor, currency)),
            f"{period_label(period, monthly=monthly)}: {amount(minor, currency)} {currency}",
        )
        for period, minor in sums.items()
    ]


def _currencies_of(figures: Figures) -> list[str]:
    """Those of the accounts, in the order of the sections before."""
    held = {row.currency for row in figures.accounts}
    known = [currency for currency in figures.currencies if currency in held]
    return known + sorted(held - set(known))


def _share(row: DayMoney) -> str:
    return f"{100 * row.refunded_minor / row.captured_minor:.2f} %" if row.captured_minor else ""


def _told(day: DayAgreement) -> str:
    seal = f", seal {day.seal_no}, {day.events:,} events" if day.seal_no is not None else ""
    return f"{day.day}: {day.verdict.value}{seal}"


def _text(number: int | None) -> str:
    return "" if number is None else f"{number:,}"
