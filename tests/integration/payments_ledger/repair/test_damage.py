"""What hands and losses did to Cassandra is undone in one pass, and what no event has is left alone."""

from uuid import UUID, uuid4

from core.payments.selectors.payments import recorded_seqs
from payments_ledger.models import LedgerRepair
from payments_ledger.reconciliation import report
from payments_ledger.reconciliation.report import Kind
from payments_ledger.tables import EVENTS_BY_DAY, PAYMENT_EVENTS, PAYMENTS_BY_PROVIDER_REF, PAYMENTS_BY_USER_MONTH
from tests.factories.ledger_damage import ROW_OF, PaymentsOfADay, by_hand
from tests.integration.payments_ledger.repair.repairs import damage_everything, key, mended, verified, written


def test_every_kind_of_damage_is_mended_in_one_pass_and_a_second_writes_nothing(day):
    clean = day.stored()
    damaged = damage_everything(day)
    named = verified(day)

    outcome = mended(day)

    assert set(named.counts) == set(Kind) - {Kind.EXTRA, Kind.UNNAMED, Kind.UNREADABLE}

    assert written(outcome) == damaged
    assert outcome.agrees
    assert verified(day).agrees
    assert day.stored() == clean
    second = mended(day)
    assert (second.rows.total(), second.agrees) == (0, True)


def test_rows_of_every_table_are_mended_for_one_payment(day):
    clean = day.stored()
    body = day.bodies[3]
    for table in ROW_OF:
        day.delete(table, body)
    other = day.bodies[5]
    day.change(PAYMENTS_BY_USER_MONTH, other, "status", "nonsense")
    day.change(PAYMENTS_BY_PROVIDER_REF, other, "order_id", uuid4())

    outcomes = [mended(day, payment_id=UUID(each["payment_id"])) for each in (body, other)]

    assert [outcome.agrees for outcome in outcomes] == [True, True]
    assert written(outcomes[0]) == sorted((table.name, *key(body)) for table in ROW_OF)
    assert {name for name, *_ in written(outcomes[1])} == {"payments_by_provider_ref", "payments_by_user_month"}
    assert day.stored() == clean
    assert mended(day, payment_id=UUID(body["payment_id"])).rows.total() == 0


def test_a_dry_run_says_what_it_would_write_and_writes_nothing(day):
    damaged = damage_everything(day)
    before, repairs = day.stored(with_write_times=True), LedgerRepair.objects.count()

    outcome = mended(day, is_dry_run=True)

    assert written(outcome) == damaged
    assert not outcome.agrees
    assert day.stored(with_write_times=True) == before
    assert LedgerRepair.objects.count() == repairs


def test_events_that_never_arrived_are_written_and_recorded():
    day = PaymentsOfADay(payments=2, is_recorded=False, inserted_seconds_ago=61)

    outcome = mended(day)

    assert outcome.agrees
    assert outcome.rows == {
        "payment_events": 4,
        "events_by_day": 4,
        "payments_by_provider_ref": 2,
        "payments_by_id": 2,
        "payments_by_user_month": 2,
    }
    assert recorded_seqs(UUID(body["payment_id"]) for body in day.bodies) == {
        UUID(body["payment_id"]): 2 for body in day.bodies
    }


def test_more_than_a_report_can_name_is_mended_all_the_same(day, monkeypatch):
    monkeypatch.setattr(report, "DIFFERENCES_NAMED_MAX", 3)
    for body in day.bodies:
        day.delete(EVENTS_BY_DAY, body)

    outcome = mended(day)

    assert (outcome.rows, outcome.agrees) == ({"events_by_day": 12}, True)


def test_extra_rows_are_named_with_advice_and_left_alone(day):
    values = day.insert(PAYMENT_EVENTS, day.bodies[0], payment_id=uuid4())
    condition = PAYMENT_EVENTS.key_condition()
    try:
        outcome = mended(day)
        still_there = by_hand(f"SELECT seq FROM payment_events WHERE {condition}", values)
    finally:
        by_hand(f"DELETE FROM payment_events WHERE {condition}", values)

    assert (outcome.rows.total(), outcome.agrees) == (0, False)
    ((difference, advice),) = outcome.advised
    assert (difference.kind, difference.table, difference.payment_id) == ("extra", "payment_events", values[1])
    assert "never deleted here" in advice
    assert still_there == [{"seq": 1}]


def test_an_extra_row_of_the_payment_itself_is_named_too(day):
    body = day.bodies[0]
    values = day.insert(PAYMENT_EVENTS, body, seq=77)
    try:
        outcome = mended(day, payment_id=UUID(body["payment_id"]))
    finally:
        by_hand(f"DELETE FROM payment_events WHERE {PAYMENT_EVENTS.key_condition()}", values)

    assert [(difference.kind, difference.seq) for difference, _ in outcome.advised] == [("extra", 77)]
    assert not outcome.agrees
