"""The import's closing words."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from core.money import EXPONENTS
from core.orders.imports.invoices import PAYMENT_RULES, Kind
from core.orders.imports.rejects import Rejects
from core.orders.imports.running import Outcome
from core.orders.imports.tally import KindTally

LABELS: dict[Kind, str] = {
    Kind.SALE: "sales: paid order, payment captured",
    Kind.FREE: "nothing to pay: stock movement only",
    Kind.CREDIT: "cancellations: unreferenced credit",
    Kind.ADJUSTMENT: "cancellations that add: adjustment",
    Kind.BAD_DEBT: "bad debt: adjustment",
}
WIDTH = 37
VERDICTS = {True: "agree", False: "DIFFER"}


def book_lines(outcome: Outcome, booked: Mapping[Kind, KindTally]) -> list[str]:
    """The table of the import: what the file says, and what PostgreSQL's history holds of it."""
    tally = outcome.survey.tally
    lines = [f"{'':{WIDTH}}{'file':>9} {'total ' + tally.currency:>16} {'PostgreSQL':>12} {'total':>16}"]
    for kind, read in tally.kinds.items():
        line = f"{LABELS[kind]:{WIDTH}}{read.count:>9,} {amount(read.total_minor, tally.currency):>16}"
        if kind in PAYMENT_RULES:
            held = booked[kind]
            line += f" {held.count:>12,} {amount(held.total_minor, tally.currency):>16}"
            line += "" if held == read else "  DIFFERS"
        lines.append(line)
    count, total_minor = (sum(getattr(held, name) for held in booked.values()) for name in ("count", "total_minor"))
    lines.append(
        f"{'payments':{WIDTH}}{tally.payments:>9,} {amount(tally.total_minor, tally.currency):>16} "
        f"{count:>12,} {amount(total_minor, tally.currency):>16}"
    )
    exact = f"{tally.exact_total.normalize():,f}"
    lines.append(
        f"{tally.invoices:,} invoices, {tally.lines:,} lines; {amount(tally.total_minor, tally.currency)} "
        f"{tally.rounding:+f} rounding = {exact} {tally.currency}"
    )
    return lines


def store_lines(report: Mapping[str, Any], first_day: date, last_day: date) -> list[str]:
    """The reconciler's report over the file's days: each store's rows and sums, and the verdict."""
    lines = [f"ledger, {first_day} to {last_day}:"]
    for store, summary in report["totals"].items():
        sums = ", ".join(f"{key.split('/')[0]} {sum_text(key, value)}" for key, value in summary["sums"].items())
        lines.append(f"  {store}: {summary['rows']:,} rows" + (f"; {sums}" if sums else ""))
    skipped = skipped_days(report, first_day, last_day)
    lines += [f"  NOT COMPARED: {days}" for days in skipped]
    lines += [f"  {each['kind']} {each['table']} {each['payment_id']} {each['seq']}" for each in report["differences"]]
    where_compared = " where they were compared," if skipped else ","
    lines.append(f"both stores {VERDICTS[report['agrees']]}{where_compared} in {report['seconds']:.1f} s")
    return lines


def skipped_days(report: Mapping[str, Any], first_day: date, last_day: date) -> list[str]:
    """Which of these days the reconciler left out, and because of which open import."""
    return [
        f"{each['first_day']} to {each['last_day']}, the import of {each['source']} is open"
        for each in report["skipped"]
        if date.fromisoformat(each["first_day"]) <= last_day and date.fromisoformat(each["last_day"]) >= first_day
    ]


def rejects_lines(rejects: Rejects) -> list[str]:
    """How many rows were rejected, the first of them, and where all of them are."""
    if not rejects.count:
        return ["rejected rows: none"]
    lines = [f"rejected rows: {rejects.count:,}, all in {rejects.path}", *(f"  {each}" for each in rejects.shown)]
    hidden = rejects.count - len(rejects.shown)
    return [*lines, f"  … and {hidden:,} more"] if hidden else lines


def speed_line(outcome: Outcome) -> str:
    """How fast it went, from the first write to the last acknowledgement."""
    if not outcome.written_invoices:
        return f"nothing new: all {outcome.survey.tally.invoices:,} invoices were booked before"
    orders = outcome.written_invoices / max(outcome.writing_seconds, 0.001)
    events = outcome.written_payments / max(outcome.recording_seconds, 0.001)
    return (
        f"{outcome.written_invoices:,} invoices written in {outcome.writing_seconds:.1f} s ({orders:,.0f} orders/s); "
        f"{outcome.written_payments:,} payments in Cassandra after {outcome.recording_seconds:.1f} s "
        f"({events:,.0f} events/s)"
    )


def amount(minor: int, currency: str) -> str:
    """Minor units as major ones: -13655202 GBP is -136,552.02."""
    return f"{Decimal(minor).scaleb(-EXPONENTS[currency]):,f}"


def sum_text(key: str, minor: int) -> str:
    """A sum of the reconciler's report, whose key ends in /CURRENCY."""
    currency = key.rsplit("/", 1)[-1]
    return f"{amount(minor, currency)} {currency}"
