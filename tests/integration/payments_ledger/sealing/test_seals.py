"""A day that is over and the same in both stores is closed once, with what its blocks hold."""

import json
from hashlib import sha256

from core.payments.models import SealedDay
from core.payments.selectors import sealed_days
from payments_ledger.seals import published, recording, totals
from payments_ledger.seals.seal import seal_of
from payments_ledger.seals.sealing import Outcome, seal_day
from payments_ledger.tables import DAILY_TOTALS
from tests.factories.ledger_damage import by_hand
from tests.factories.ledger_events import canonical
from tests.integration.payments_ledger.sealing.days import assert_whole
from tests.ledger_command import ledger

CAPTURED = "payments.payment.captured.v1"


def test_a_closed_day_is_sealed_with_what_its_blocks_hold(day):
    head = sealed_days.head()

    result = seal_day(day.date)

    held = SealedDay.objects.get(booking_day=day.date)
    seal = seal_of(bytes(held.body))
    assert (result.outcome, result.seal_no, result.events) == (Outcome.SEALED, held.seal_no, 8)
    assert held.seal_no == (head.seal_no + 1 if head else 1)
    assert bytes(held.prev_hash) == (bytes(head.seal_hash) if head else bytes(32))
    assert bytes(held.seal_hash) == sha256(bytes(held.body)).digest()
    expected: dict[tuple[str, int], list[dict]] = {}
    for body in day.bodies:
        expected.setdefault((body["payment_type"], body["bucket"]), []).append(body)
    assert [(block.payment_type, block.bucket) for block in seal.blocks] == sorted(expected)
    for block in seal.blocks:
        events = expected[block.payment_type, block.bucket]
        digest = sum(int.from_bytes(sha256(canonical(body)).digest()[:16], "big") for body in events) % 2**128
        assert block.event_count == len(events)
        assert block.sums == {f"{CAPTURED}/GBP": sum(body["amount_minor"] for body in events)}
        assert block.digest == block.pg_digest == digest.to_bytes(16, "big")
    assert_whole(day)


def test_the_totals_of_a_sealed_day_are_there_by_type_and_event(day):
    seal_day(day.date)

    found = {(total.payment_type, total.event_type): total for total in totals.between(day.date, day.date)}

    for payment_type in ("card", "wallet"):
        amounts = [body["amount_minor"] for body in day.bodies if body["payment_type"] == payment_type]
        total = found.pop((payment_type, CAPTURED))
        assert (total.event_count, total.amount_minor, total.currency) == (len(amounts), sum(amounts), "GBP")
        assert total.sealed
    assert found == {}


def test_totals_changed_by_hand_are_put_right_when_they_are_summed_up_again(day):
    seal_day(day.date)
    key = [day.date.year * 100 + day.date.month, day.date, "card", "GBP", CAPTURED]
    condition = " AND ".join(f"{column} = ?" for column in DAILY_TOTALS.key)
    by_hand(f"UPDATE {DAILY_TOTALS.name} SET amount_minor = 1 WHERE {condition}", key)
    assert 1 in [total.amount_minor for total in totals.between(day.date, day.date)]

    code, output = ledger("totals", "--day", str(day.date), "--recompute", "--json")

    assert code == 0
    amounts = [total["amount_minor"] for total in json.loads(output)["totals"]]
    assert sum(amounts) == sum(body["amount_minor"] for body in day.bodies)


def test_sealing_again_changes_nothing(day):
    seal_day(day.date)
    before = SealedDay.objects.count(), published.lines(), recording.stored_rows(day.date)

    assert seal_day(day.date).outcome is Outcome.ALREADY_SEALED
    assert ledger("seal", "--day", str(day.date))[0] == 0

    assert (SealedDay.objects.count(), published.lines(), recording.stored_rows(day.date)) == before
