"""A report as one HTML page that loads nothing: style, drawings and figures are all inside it."""

import json
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import Any

from django.template.loader import render_to_string

from core import clock
from payments_ledger.analytics.report import agreement, figures
from payments_ledger.analytics.report.agreement import Agreement
from payments_ledger.analytics.report.figures import Figures
from payments_ledger.analytics.report.scales import amount
from payments_ledger.analytics.report.sections import sections_of

TEMPLATE = "payments_ledger/report.html"


def write(path: Path, *, first_day: date | None = None, last_day: date | None = None) -> Figures:
    """Collect the figures of these days (see figures.collect) and write the page; what was there is replaced.

    Raises OSError when the file cannot be written, django.db.Error when PostgreSQL cannot be read. A Cassandra that
    cannot be read is said on the page.
    """
    found = figures.collect(first_day=first_day, last_day=last_day)
    agreed = agreement.read(first_day=found.first_day, last_day=found.last_day)
    path.write_text(render(found, agreed, made_at=clock.now()), encoding="utf-8")
    return found


def render(found: Figures, agreed: Agreement, *, made_at: datetime) -> str:
    """The page's text."""
    context = {
        "figures": found,
        "made_at": made_at,
        "totals": [
            (currency, amount(sum(row.captured_minor for row in found.money if row.currency == currency), currency))
            for currency in found.currencies
        ],
        "events": sum(row.events for row in found.money),
        "sections": sections_of(found, agreed),
        # Programs read the same figures from here; a browser does nothing with it.
        "document": json.dumps(document_of(found, agreed), default=str).replace("<", "\\u003c"),
    }
    return render_to_string(TEMPLATE, context)


def document_of(found: Figures, agreed: Agreement) -> dict[str, Any]:
    """The figures as plain values, amounts in minor units."""
    return {
        **asdict(found),
        "accounts": [{**asdict(row), "closing_minor": row.closing_minor} for row in found.accounts],
        "agreement": [asdict(day) for day in agreed.days],
    }
