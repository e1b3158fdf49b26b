"""The report's page: its figures, what it says without data, and that it loads nothing."""

import json
import re
from datetime import UTC, date, datetime
from html.parser import HTMLParser

import pytest

from payments_ledger.analytics.report import page
from payments_ledger.analytics.report.agreement import Agreement, DayAgreement, Seal, Verdict, judged
from payments_ledger.analytics.report.figures import AccountBalance, DayLag, DayMoney, Figures
from payments_ledger.analytics.report.scales import decades, duration, ticks
from payments_ledger.models import Verification

FIRST, LAST = date(2026, 3, 1), date(2026, 3, 3)
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
MINUS = "\N{MINUS SIGN}"


def figures(**changes):
    given = {
        "first_day": FIRST,
        "last_day": LAST,
        "watermark": NOON,
        "money": [
            DayMoney(FIRST, "GBP", events=5, captures=3, captured_minor=123_450, refunds=1, refunded_minor=2_000),
            DayMoney(LAST, "GBP", events=2, captures=1, captured_minor=50, refunds=0, refunded_minor=0),
            DayMoney(LAST, "JPY", events=1, captures=1, captured_minor=700, refunds=0, refunded_minor=0),
        ],
        "lags": [DayLag(FIRST, 5, 12.0, 1_400.0, 180_000.0)],
        "unrecorded": 4,
        "accounts": [
            AccountBalance("revenue", "GBP", -100, 2_000, -123_500),
            AccountBalance("wallet_liability", "GBP", 100, 123_500, -2_000),
        ],
    }
    return Figures(**{**given, **changes})


EMPTY = figures(money=[], lags=[], unrecorded=0, accounts=[])


def rendered(found=None, agreed=None):
    return page.render(found or figures(), agreed or Agreement(), made_at=NOON)


class References(HTMLParser):
    """Everything in a page that a browser would fetch."""

    def __init__(self, text):
        super().__init__()
        self.found = [*re.findall(r"url\([^)]*\)|@import[^;]*", text)]
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.found += [
            f"{tag} {name}={value}"
            for name, value in given.items()
            if name in ("src", "srcset", "href", "xlink:href", "data", "poster", "action", "background")
        ]
        if tag == "script" and given.get("type") != "application/json":
            self.found.append("script that runs")


def cells_of(text, title):
    """The table of a section, as rows of text."""
    section = next(part for part in text.split("<section>") if f">{title}<" in part)
    return [
        re.findall(r"<t[hd][^>]*>([^<]*)</t[hd]>", row) for row in re.findall(r"<tr>(.*?)</tr>", section, re.DOTALL)
    ]


def test_the_page_loads_nothing():
    assert References(rendered()).found == []
    assert "default-src 'none'" in rendered()


@pytest.mark.parametrize(
    "loaded",
    [
        '<img src="https://plots.invalid/a.png">',
        "<script>fetch('x')</script>",
        '<link rel="stylesheet" href="a.css">',
        "<style>@import 'a.css';</style>",
        "<style>p { background: url(a.png) }</style>",
    ],
)
def test_something_loaded_would_be_seen(loaded):
    assert References(rendered().replace("</main>", f"{loaded}</main>")).found != []


def test_each_plot_has_a_title_and_the_table_of_its_figures():
    text = rendered()

    drawings = re.findall(r'<svg class="(wide|narrow)" role="img" aria-label="([^"]+)"', text)
    assert len(drawings) == 2 * text.count("<figure ")
    assert text.count("<figure ") == text.count("<table>") == 5
    assert cells_of(text, "Captured volume, GBP") == [
        ["day", "captures", "captured, GBP", "events"],
        ["2026-03-01", "3", "1,234.50", "5"],
        ["2026-03-03", "1", "0.50", "2"],
    ]
    assert cells_of(text, "Captured volume, JPY")[1] == ["2026-03-03", "1", "700", "1"]
    assert cells_of(text, "Refunds, GBP")[1] == ["2026-03-01", "1", "20.00", "1.62 %"]
    assert cells_of(text, "Money by account, GBP")[-1] == ["sum", "0.00", "0.00", "1,255.00", f"{MINUS}1,255.00"]
    assert ["2026-03-01", "5", "12 ms", "1.4 s", "3 min"] in cells_of(
        text, "Freshness: how soon Cassandra has an event"
    )


def test_programs_find_the_same_figures_in_the_page():
    (document,) = re.findall(r'<script type="application/json" id="figures">(.*?)</script>', rendered(), re.DOTALL)

    read = json.loads(document)
    assert [row["captured_minor"] for row in read["money"]] == [123_450, 50, 700]
    assert [row["closing_minor"] for row in read["accounts"]] == [-121_600, 121_600]


def test_every_section_without_data_says_so():
    text = rendered(EMPTY)

    assert text.count("<section>") == text.count("No data yet.") == 5
    assert "<figure" not in text


def test_a_ledger_that_does_not_sum_to_zero_is_told():
    broken = figures(accounts=[AccountBalance("revenue", "GBP", -100, 0, 0)])

    assert f"THE ACCOUNTS DO NOT SUM TO ZERO: {MINUS}1.00." in rendered(broken)
    assert "The accounts sum to zero." in rendered()


def test_agreement_is_told_by_day_with_a_sign_and_not_only_a_colour():
    agreed = Agreement(
        days=[
            DayAgreement(FIRST, Verdict.SEALED, seal_no=7, events=5),
            DayAgreement(date(2026, 3, 2), Verdict.DIFFERS, seal_no=8, events=2),
            DayAgreement(LAST, Verdict.UNKNOWN),
        ]
    )
    text = rendered(agreed=agreed)

    assert "Days: 1 sealed, 1 differs, 1 not looked at." in text
    assert "2026-03-01: sealed, seal 7, 5 events" in text
    assert "\N{MULTIPLICATION SIGN}</text>" in text
    assert cells_of(text, "Agreement of PostgreSQL and Cassandra")[1] == ["2026-03-01", "sealed", "", "7", "5"]


def test_a_cassandra_that_is_away_is_a_sentence_on_the_page():
    text = rendered(agreed=Agreement(problem="Cassandra cannot be reached: no host answers"))

    assert "Cassandra cannot be reached: no host answers. No data yet." in text
    assert "Captured volume, GBP" in text


MATCHED, UNMATCHED = Seal(number=3, events=9, is_matched=True), Seal(number=3, events=9, is_matched=False)


def verification(verdict, **changes):
    given = {"watermark": NOON, "tables": ["payment_events", "events_by_day"], "differences": [], "counts": {}}
    return Verification(verdict=verdict, **{**given, **changes})


def found_on(day):
    return verification("differ", differences=[{"booking_day": day and str(day)}], counts={"missing": 1})


@pytest.mark.parametrize(
    ("verifications", "seal", "verdict"),
    [
        ([], None, Verdict.UNKNOWN),
        ([], MATCHED, Verdict.SEALED),
        ([], UNMATCHED, Verdict.DIFFERS),
        ([verification("agree")], None, Verdict.AGREES),
        ([verification("agree")], UNMATCHED, Verdict.AGREES),
        ([verification("agree"), found_on(FIRST)], MATCHED, Verdict.SEALED),
        ([found_on(FIRST), verification("agree")], MATCHED, Verdict.DIFFERS),
        ([found_on(LAST)], None, Verdict.AGREES),
        ([found_on(None)], None, Verdict.DIFFERS),
        ([verification("differ", counts={"missing": 5000})], None, Verdict.DIFFERS),
        ([verification("agree", first_day=LAST)], None, Verdict.UNKNOWN),
        ([verification("agree", last_day=date(2026, 2, 28))], None, Verdict.UNKNOWN),
        ([verification("agree", watermark=datetime(2026, 2, 28, tzinfo=UTC))], None, Verdict.UNKNOWN),
        (
            [verification("agree", skipped=[{"first_day": "2026-02-01", "last_day": "2026-03-01"}])],
            None,
            Verdict.UNKNOWN,
        ),
    ],
)
def test_a_day_is_judged_by_its_newest_verification_and_its_seal(verifications, seal, verdict):
    assert judged(FIRST, verifications, seal).verdict is verdict


def test_names_from_the_books_cannot_become_markup():
    text = rendered(figures(accounts=[AccountBalance("<script>alert(1)</script>", "GBP", 1, 0, 0)]))

    assert "<script>alert" not in text


def test_a_long_period_is_drawn_by_month():
    text = rendered(figures(first_day=date(2025, 1, 1)))

    assert "Jan 2025" in text
    assert "Mar 2026: 1,235.00 GBP" in text


def test_scales_are_round():
    assert ticks(970) == [0, 250, 500, 750, 1000]
    assert ticks(0) == [0.0, 1.0]
    assert decades([12.0, 1_400.0]) == [10.0, 100.0, 1_000.0, 10_000.0]
    assert duration(7_200_000) == "2 h"
