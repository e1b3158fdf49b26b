"""The provider's real settlement file after real purchases, and a break of every kind planted in it."""

import csv
import io
import json
import uuid
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from django.conf import settings
from django.core.management import CommandError

from core.payments.gateways import registry
from core.payments.gateways.http import HttpGateway, SettlementUnavailable
from payments_ledger.errors import SettlementBreakResolved, SettlementFileUnreadable
from payments_ledger.models import SettlementBreak, SettlementMatch, SettlementRun
from payments_ledger.settlement.balances import unsettled_balances
from payments_ledger.settlement.breaks import breaks, resolve
from payments_ledger.settlement.files import COLUMNS
from payments_ledger.settlement.matching import Reason
from payments_ledger.settlement.runs import settle
from tests.ledger_command import ledger
from tests.merchant import Merchant, at_rest
from tests.waiting import eventually

SENTINEL_DAY = datetime(1990, 1, 1, tzinfo=UTC).date()


def control(path, **body):
    answer = httpx.post(f"{settings.GATEWAYS['simulator']['URL']}/v1/control/{path}", json=body, timeout=10)
    assert answer.status_code == 200, answer.text
    return answer.json()


class Purchases:
    """A card paid and refunded in part, one captured in two parts, one disputed and won: seven movements."""

    def __init__(self):
        self.shop = Merchant()
        self.refunded = self.shop.paid("card", "tok_approve", price_minor=1_000)
        self.parts = self.shop.held(price_minor=1_000)
        self.disputed = self.shop.paid("card", "tok_approve", price_minor=2_000)
        self._act(self.refunded, "refunds", amount_minor=300)
        self._act(self.parts, "capture", amount_minor=400)
        self._act(self.parts, "capture", amount_minor=600)
        dispute = control("disputes", payment_id=str(self.disputed.id), amount_minor=500, reason="fraudulent")
        self._disputed_minor(500)
        control(f"disputes/{dispute['dispute_id']}", status="won")
        self._disputed_minor(0)
        self.payment_ids = {str(payment.id) for payment in (self.refunded, self.parts, self.disputed)}
        self.day = datetime.now(UTC).date()

    def lines(self):
        """Ours of the provider's file, by kind in the order of the file."""
        content = registry.settlement_source("simulator").settlement_file(self.day)
        found = csv.DictReader(io.StringIO(content.decode()))
        return [line for line in found if line["payment_id"] in self.payment_ids]

    def _act(self, payment, what, **body):
        answer = self.shop.act(payment, what, **body)
        assert answer.status_code == 202, answer.text
        at_rest(payment)

    def _disputed_minor(self, amount_minor):
        def is_booked():
            self.disputed.refresh_from_db()
            return self.disputed.disputed_minor == amount_minor

        eventually(is_booked, what=f"{amount_minor} is disputed")


@pytest.fixture(scope="module")
def purchases():
    made = Purchases()
    yield made
    SettlementBreak.objects.filter(run__source="test").delete()
    SettlementMatch.objects.filter(run__source="test").delete()
    SettlementRun.objects.filter(source="test").delete()


def file_of(lines):
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue().encode()


def settled(purchases, lines, **how):
    return settle(provider="simulator", day=purchases.day, content=file_of(lines), source="test", **how)


def found_in(purchases, lines):
    """(reason, reference) of the breaks that this file would have."""
    found = settled(purchases, lines, is_dry_run=True)
    return [(each.reason, each.reference) for each in found.breaks]


def test_the_whole_file_of_the_provider_matches_what_was_booked(purchases):
    lines = purchases.lines()

    found = settled(purchases, lines)

    kinds = sorted(line["kind"] for line in lines)
    assert kinds == [*["capture"] * 4, "dispute_opened", "dispute_won", "refund"]
    assert (found.breaks, found.run.matched_lines, found.run.matched_postings) == ((), 7, 7)
    fees = sum(int(line["fee_minor"]) for line in lines)
    assert found.run.totals == {"GBP": {"gross_minor": 3_700, "fee_minor": fees, "net_minor": 3_700 - fees}}


def test_the_same_file_again_changes_nothing(purchases):
    first = settled(purchases, purchases.lines())
    matches = set(first.run.matches.values_list("payment_id", "seq"))

    again = settled(purchases, purchases.lines())

    assert (again.is_repeated, again.run.id) == (True, first.run.id)
    assert set(again.run.matches.values_list("payment_id", "seq")) == matches


def test_each_kind_of_break_that_is_planted_is_found_and_nothing_else(purchases):
    lines = purchases.lines()
    captures = [number for number, line in enumerate(lines) if line["kind"] == "capture"]
    first, second, third, fourth = captures
    dearer = int(lines[second]["gross_minor"]) + 1
    long_ago = (datetime.now(UTC) - timedelta(days=30)).isoformat()
    planted = [dict(line) for line in lines]
    planted[first]["currency"] = "EUR"
    planted[second] |= {"gross_minor": str(dearer), "net_minor": str(dearer - int(planted[second]["fee_minor"]))}
    planted[third]["occurred_at"] = long_ago
    planted[fourth]["gross_minor"] = "4.00"
    refund = next(line for line in planted if line["kind"] == "refund")
    unknown = {**refund, "provider_ref": "refund_nobody_knows", "operation_id": "x", "payment_id": str(uuid.uuid4())}
    planted += [refund, unknown]

    found = found_in(purchases, planted)

    assert sorted(found) == sorted(
        [
            (Reason.CURRENCY_DIFFERS, lines[first]["provider_ref"]),
            (Reason.AMOUNT_DIFFERS, lines[second]["provider_ref"]),
            (Reason.DATE_DRIFT, lines[third]["provider_ref"]),
            (Reason.UNREADABLE_LINE, ""),
            (Reason.DUPLICATE_LINE, refund["provider_ref"]),
            (Reason.MISSING_IN_LEDGER, "refund_nobody_knows"),
        ]
    )


def test_a_posting_that_no_line_settles_in_its_time_is_missing(purchases, monkeypatch):
    monkeypatch.setattr(settings, "SETTLEMENT", {"tolerance_minor": 0, "days_max": 0})
    lines = purchases.lines()

    found = found_in(purchases, lines[1:])

    assert (Reason.MISSING_IN_SETTLEMENT, lines[0]["provider_ref"]) in found
    ours = {line["provider_ref"] for line in lines}
    assert [each for each in found if each[1] in ours] == [(Reason.MISSING_IN_SETTLEMENT, lines[0]["provider_ref"])]


def test_a_deposit_is_settled_under_the_reference_it_was_booked_with(purchases):
    lines, reference, owner = purchases.lines(), f"dep_{uuid.uuid4().hex}", Merchant(wallet_minor=100)
    body = {"user_id": str(owner.user.id), "amount_minor": 900, "currency": "GBP", "provider_ref": reference}
    assert owner.post("wallets/deposits", body).status_code == 201
    received = {**lines[0], "provider_ref": reference, "operation_id": "", "payment_id": "", "kind": "deposit"}
    received |= {"gross_minor": "900", "fee_minor": "0", "net_minor": "900"}

    found = settled(purchases, [*lines, received], is_dry_run=True)
    short = found_in(purchases, [*lines, {**received, "gross_minor": "899", "net_minor": "899"}])

    assert (found.breaks, found.run.matched_lines, found.run.matched_postings) == ((), 8, 8)
    assert short == [(Reason.AMOUNT_DIFFERS, reference)]


def test_one_line_for_two_captures_and_two_lines_for_one(purchases):
    lines = purchases.lines()
    first, second = (line for line in lines if line["payment_id"] == str(purchases.parts.id))
    whole = {**first, "provider_ref": "batch", "gross_minor": "1000", "fee_minor": "0", "net_minor": "1000"}
    refunded = next(line for line in lines if line["kind"] == "capture" and line["gross_minor"] == "1000")
    halves = [
        {**refunded, "operation_id": part, "gross_minor": "500", "fee_minor": "0", "net_minor": "500"} for part in "ab"
    ]
    others = [line for line in lines if line not in (first, second, refunded)]

    found = settled(purchases, [whole, *halves, *others], is_dry_run=True)

    assert (found.breaks, found.run.matched_lines, found.run.matched_postings) == ((), 7, 7)


def test_a_corrected_file_supersedes_the_first_and_closes_its_breaks(purchases):
    lines = purchases.lines()
    wrong = [{**lines[0], "currency": "EUR"}, *lines[1:]]
    broken = settled(purchases, wrong)
    assert [each.reason for each in broken.breaks] == [Reason.CURRENCY_DIFFERS]

    corrected = settled(purchases, lines)

    broken.run.refresh_from_db()
    kept = SettlementBreak.objects.get(id=broken.breaks[0].id)
    assert (corrected.breaks, corrected.run.matched_lines) == ((), 7)
    assert broken.run.superseded_at is not None
    assert kept.note == f"superseded by the file {corrected.run.file_sha256[:12]}"


def test_what_another_days_file_settled_is_a_duplicate(purchases):
    lines = purchases.lines()
    settled(purchases, lines)

    found = settle(provider="simulator", day=SENTINEL_DAY, content=file_of(lines[:1]), source="test", is_dry_run=True)

    assert [(each.reason, each.reference) for each in found.breaks] == [
        (Reason.DUPLICATE_LINE, lines[0]["provider_ref"])
    ]


def test_a_break_is_resolved_once_with_a_note(purchases):
    broken = settled(purchases, [{**purchases.lines()[0], "currency": "EUR"}])
    [found] = broken.breaks

    resolve(break_id=found.id, user_id=purchases.shop.user.id, note="the bank converted it")

    kept = breaks(is_open=False, provider="simulator", reason=Reason.CURRENCY_DIFFERS).get(id=found.id)
    assert (kept.note, kept.resolved_by_id) == ("the bank converted it", purchases.shop.user.id)
    with pytest.raises(SettlementBreakResolved, match="the bank converted it"):
        resolve(break_id=found.id, user_id=purchases.shop.user.id, note="again")


def test_staff_lists_and_resolves_breaks(purchases):
    broken = settled(purchases, [{**purchases.lines()[1], "currency": "EUR"}])
    [found] = broken.breaks
    path = f"ledger/settlement-breaks/{found.id}/resolve"

    page = purchases.shop.client.get("ledger/settlement-breaks", params={"state": "open", "limit": 1}).json()
    without_note = purchases.shop.client.post(path, json={})
    resolved = purchases.shop.client.post(path, json={"note": "seen"})
    again = purchases.shop.client.post(path, json={"note": "seen"})

    assert [each["id"] for each in page["data"]] == [str(found.id)]
    assert page["data"][0]["posted"][0]["currency"] == "GBP"
    assert (without_note.status_code, resolved.status_code, again.status_code) == (400, 200, 409)
    assert (resolved.json()["note"], again.json()["code"]) == ("seen", "settlement_break_resolved")


def test_the_unsettled_balance_is_what_no_file_has_settled(purchases):
    def unsettled_minor():
        found = unsettled_balances(first_day=purchases.day, last_day=purchases.day)
        return sum(each.unsettled_minor for each in found if (each.provider, each.currency) == ("simulator", "GBP"))

    settled(purchases, [])
    before = unsettled_minor()
    settled(purchases, purchases.lines())

    assert before - unsettled_minor() == 3_700


def test_the_command_asks_the_provider_and_its_exit_code_tells(purchases, tmp_path):
    code, output = ledger("settle", "--provider", "simulator", "--day", str(purchases.day), "--dry-run", "--json")
    told = json.loads(output)
    assert code == (1 if told["breaks"] else 0)
    assert told["matched_lines"] >= 7
    ours = {line["provider_ref"] for line in purchases.lines()}
    assert [each for each in told["breaks"] if each["reference"] in ours] == []

    good, wrong = tmp_path / "good.csv", tmp_path / "wrong.csv"
    good.write_bytes(file_of(purchases.lines()))
    wrong.write_bytes(file_of([{**purchases.lines()[0], "currency": "EUR"}]))
    arguments = ("settle", "--provider", "simulator", "--day", str(purchases.day), "--dry-run", "--file")
    assert ledger(*arguments, str(good)) == (0, ledger(*arguments, str(good))[1])
    code, output = ledger(*arguments, str(wrong))
    assert code == 1
    assert "currency_differs: settled" in output
    assert output.splitlines()[-1] == "1 OPEN BREAKS"


@pytest.mark.parametrize(
    ("arguments", "content", "message"),
    [
        (("--provider", "nobody"), b"", "'nobody' is not one of: simulator"),
        (("--provider", "simulator"), b"amount\n1\n", "line 1: the header must be"),
        (("--provider", "simulator"), None, "cannot be read: No such file"),
    ],
)
def test_bad_input_exits_2_and_says_what_it_is(tmp_path, arguments, content, message):
    path = tmp_path / "settlement.csv"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(CommandError, match=message) as refusal:
        ledger("settle", *arguments, "--day", "2026-11-20", "--file", str(path))

    assert refusal.value.returncode == 2


def test_a_file_that_cannot_be_read_changes_nothing(purchases):
    runs = SettlementRun.objects.count()

    with pytest.raises(SettlementFileUnreadable):
        settle(provider="simulator", day=purchases.day, content=b"\xff", source="test")

    assert SettlementRun.objects.count() == runs


def test_a_provider_that_does_not_answer_is_no_verdict():
    away = HttpGateway(name="away", url="http://127.0.0.1:9", timeout_seconds=0.5)

    with pytest.raises(SettlementUnavailable, match="away, 1990-01-01"):
        away.settlement_file(SENTINEL_DAY)
