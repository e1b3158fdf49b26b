"""Repair on real servers: what hands and losses did to Cassandra is undone in one pass and recorded."""

import json
import threading
import time
from datetime import UTC, datetime, timedelta
from io import StringIO
from uuid import UUID, uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from core.payments.selectors.payments import recorded_seqs
from payments_ledger import writing
from payments_ledger.errors import AlreadyRunning, LedgerUnavailable
from payments_ledger.models import LedgerRepair
from payments_ledger.reconciliation import mending, report, stored_rows
from payments_ledger.reconciliation.repair import LOCK, Target, repair
from payments_ledger.reconciliation.repair_audit import Block, block_digest
from payments_ledger.reconciliation.report import Kind
from payments_ledger.reconciliation.verify import verify
from payments_ledger.rows import rows_of
from payments_ledger.selectors.payments import payment_state
from payments_ledger.tables import (
    EVENTS_BY_DAY,
    PAYMENT_EVENTS,
    PAYMENTS_BY_ID,
    PAYMENTS_BY_PROVIDER_REF,
    PAYMENTS_BY_USER_MONTH,
)
from tests.factories.ledger_damage import ROW_OF, PaymentsOfADay, by_hand
from tests.factories.ledger_events import (
    canonical,
    fields,
    history_of_payment,
    insert_history,
    record,
)


@pytest.fixture
def day():
    made = PaymentsOfADay()
    yield made
    mended(made)


def mended(day, *, is_dry_run=False, **target):
    days = {} if "payment_id" in target else {"first_day": day.date, "last_day": day.date}
    return repair(
        target=Target(**days, **target),
        who="a tester",
        why="a test",
        rows_per_second=10_000,
        is_dry_run=is_dry_run,
    )


def verified(day):
    return verify(first_day=day.date, last_day=day.date)


def damage_everything(day):
    """Each kind of damage in each table; the rows it touched, as (table, payment, seq)."""
    a, b, c, d, e, f = day.newest()
    day.delete(PAYMENT_EVENTS, a)
    day.delete(PAYMENTS_BY_ID, a)
    day.delete(PAYMENTS_BY_PROVIDER_REF, a)
    day.change(PAYMENT_EVENTS, b, "amount_minor", 999_999)
    day.change(PAYMENT_EVENTS, b, "object_id", uuid4())
    day.change(PAYMENTS_BY_USER_MONTH, b, "status", "nonsense")
    day.change(PAYMENT_EVENTS, c, "postings", {"wallet_liability": 7, "revenue": -1})
    day.change(PAYMENT_EVENTS, d, "body", '{"amount_minor":1}')
    day.change(EVENTS_BY_DAY, d, "region", None)
    day.insert(PAYMENTS_BY_ID, day.bodies[8])
    day.delete(PAYMENTS_BY_USER_MONTH, e)
    day.delete_partition(EVENTS_BY_DAY, f)
    block = block_of(f)
    return sorted(
        [
            ("payment_events", *key(a)),
            ("payments_by_id", *key(a)),
            ("payments_by_provider_ref", *key(a)),
            ("payment_events", *key(b)),
            ("payments_by_user_month", *key(b)),
            ("payment_events", *key(c)),
            ("payment_events", *key(d)),
            ("payments_by_id", *key(e)),
            ("payments_by_user_month", *key(e)),
            *{("events_by_day", *key(body)) for body in day.bodies if block_of(body) == block or body is d},
        ]
    )


def key(body):
    return body["payment_id"], body["seq"]


def block_of(body):
    rows = rows_of(canonical(body))
    return Block(rows.booking_day, rows.payment_type, rows.bucket)


def written(outcome):
    """A reference is brought by both events of a payment; it is counted under the second."""
    return sorted(
        (row["table"], row["payment_id"], 2 if row["table"] == "payments_by_provider_ref" else row["seq"])
        for row in outcome.named
    )


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


def test_the_record_says_who_why_and_what_stood_there(day):
    body = day.bodies[0]
    digest = block_digest(block_of(body))
    stranger = uuid4()
    day.change(PAYMENT_EVENTS, body, "object_id", stranger)
    day.delete(EVENTS_BY_DAY, body)

    outcome = mended(day)

    kept = LedgerRepair.objects.get(pk=outcome.repair_id)
    assert (kept.who, kept.why, kept.rows_written) == ("a tester", "a test", 2)
    assert kept.arguments == {"payment": None, "from": str(day.date), "to": str(day.date)}
    assert kept.finished_at > kept.started_at
    assert kept.outcome["agrees"] is True
    changed, missing = kept.rows.order_by("table_name").reverse()
    assert (changed.table_name, str(changed.payment_id), changed.seq) == ("payment_events", *key(body))
    assert (changed.columns, changed.found["object_id"]) == (["object_id"], str(stranger))
    assert changed.found["body"] == canonical(body).decode()
    assert changed.found_digest != changed.written_digest
    assert (missing.table_name, missing.found, missing.found_digest) == ("events_by_day", None, "")
    (block,) = kept.blocks.all()
    assert (block.booking_day, block.bucket) == (day.date, body["bucket"])
    assert (block.count_before, block.count_after) == (digest[0] - 1, digest[0])
    assert block.digest_after == digest[1] != block.digest_before


@pytest.mark.parametrize("statement", ["DELETE FROM {}", "UPDATE {} SET columns = '[]'"])
def test_the_record_of_rows_can_be_neither_deleted_nor_changed(statement):
    with pytest.raises(DatabaseError, match="permission denied"), connection.cursor() as cursor:
        cursor.execute(statement.format("payments_ledger_repairedrow"))


def test_a_dry_run_says_what_it_would_write_and_writes_nothing(day):
    damaged = damage_everything(day)
    before, repairs = day.stored(with_write_times=True), LedgerRepair.objects.count()

    outcome = mended(day, is_dry_run=True)

    assert written(outcome) == damaged
    assert not outcome.agrees
    assert day.stored(with_write_times=True) == before
    assert LedgerRepair.objects.count() == repairs


def test_what_was_set_by_hand_in_an_empty_column_stays_unless_a_null_is_written(day, monkeypatch):
    body = day.bodies[0]
    day.change(PAYMENT_EVENTS, body, "object_id", uuid4())

    with monkeypatch.context() as without_nulls:
        without_nulls.setattr(stored_rows.Damage, "row_to_write", lambda damage: writing._with_unset(damage.wanted.row))
        helpless = mended(day)

    assert not helpless.agrees
    assert [line.split(":")[0] for line in helpless.resisting] == [
        f"payment_events payment_id={body['payment_id']} seq=1"
    ]
    assert mended(day).agrees


def test_a_null_is_written_only_over_a_value(day):
    day.change(PAYMENT_EVENTS, day.bodies[0], "amount_minor", 5)
    (found,) = stored_rows.damaged(list(stored_rows.lasting_rows([rows_of(canonical(day.bodies[0]))])))

    assert None not in found.row_to_write()


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


def microseconds_from_now(seconds):
    return int((time.time() + seconds) * 1_000_000)


def test_a_hand_whose_clock_ran_ahead_is_overwritten_where_rows_never_change(day):
    day.change(EVENTS_BY_DAY, day.bodies[0], "amount_minor", 1, timestamp_us=microseconds_from_now(3000))

    assert mended(day).agrees


def test_in_the_latest_state_a_later_hand_is_named_until_its_time_has_come(day):
    body = day.bodies[1]
    ahead = microseconds_from_now(4)
    day.change(PAYMENTS_BY_ID, body, "status", "nonsense", timestamp_us=ahead)

    early = mended(day)
    time.sleep(max(0.0, (ahead - microseconds_from_now(0)) / 1_000_000 + 0.01))
    late = mended(day)

    assert not early.agrees
    assert [line.split(":")[0] for line in early.resisting] == [f"payments_by_id payment_id={body['payment_id']} seq=2"]
    assert late.agrees


def test_an_interrupted_repair_is_finished_by_the_next(day, monkeypatch):
    damage_everything(day)
    calls = []

    def rewrite_once(rows):
        calls.append(None)
        if len(calls) > 1:
            raise LedgerUnavailable("Cassandra has gone")
        real(rows)

    real = writing.rewrite
    monkeypatch.setattr(writing, "rewrite", rewrite_once)
    with pytest.raises(LedgerUnavailable):
        mended(day)
    monkeypatch.undo()

    interrupted = LedgerRepair.objects.latest("started_at")
    assert interrupted.finished_at is None
    assert interrupted.rows.exists()
    assert mended(day).agrees


def test_two_repairs_do_not_run_at_once(day):
    refused = []

    def rival():
        try:
            mended(day)
        except AlreadyRunning as error:
            refused.append(error.code)
        finally:
            connection.close()

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [LOCK])
        try:
            thread = threading.Thread(target=rival)
            thread.start()
            thread.join()
        finally:
            cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [LOCK])

    assert refused == ["ledger_already_running"]


class OpenCapture:
    """A third event of a payment, booked in a transaction that stays open for a while and is then recorded."""

    def __init__(self, earlier):
        self._earlier = earlier
        self._is_booked = threading.Event()
        self._may_commit = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        assert self._is_booked.wait(10)

    def _run(self):
        try:
            with transaction.atomic():
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_current_xact_id(), clock_timestamp()")
                    _, booked_at = cursor.fetchone()
                self.body = next_event(self._earlier, booked_at)
                insert_history([self.body])
                self._is_booked.set()
                assert self._may_commit.wait(10)
        finally:
            connection.close()

    def commit(self):
        self._may_commit.set()
        self._thread.join()


def next_event(body, booked_at):
    return {
        **body,
        **fields(
            payment_id=UUID(body["payment_id"]),
            seq=body["seq"] + 1,
            booked_at=booked_at,
            order_id=body["order_id"],
            user_id=body["user_id"],
            payment_created_at=body["payment_created_at"],
            status_after="partially_refunded",
        ),
    }


@pytest.fixture
def payment():
    """Two events of one payment, booked a minute ago."""
    bodies = history_of_payment(events=2, booked_at=datetime.now(UTC) - timedelta(minutes=1))
    insert_history(bodies)
    record(bodies)
    return bodies


def mend_payment(bodies):
    return repair(
        target=Target(payment_id=UUID(bodies[0]["payment_id"])),
        who="a tester",
        why="a test",
        rows_per_second=1000,
        is_dry_run=False,
    )


def delete_state(body):
    by_hand("DELETE FROM payments_by_id WHERE payment_id = ?", [UUID(body["payment_id"])])


def version(body):
    return payment_state(UUID(body["payment_id"]))["version"]


def test_an_event_booked_before_the_repair_and_committed_during_it_ends_as_the_latest_state(payment):
    delete_state(payment[1])
    rival = OpenCapture(payment[1])
    threading.Timer(0.5, rival.commit).start()

    outcome = mend_payment(payment)
    record([rival.body])

    assert outcome.agrees
    assert version(rival.body) == 3
    assert recorded_seqs([UUID(rival.body["payment_id"])]) == {UUID(rival.body["payment_id"]): 3}


def test_without_waiting_for_open_transactions_that_event_would_be_lost_from_the_latest_state(payment, monkeypatch):
    delete_state(payment[1])
    rival = OpenCapture(payment[1])
    with monkeypatch.context() as careless:
        careless.setattr(mending, "_barrier", mending._primary_now)
        mend_payment(payment)
    rival.commit()

    record([rival.body])
    lost = version(rival.body)
    mend_payment(payment)

    assert lost == 2
    assert version(rival.body) == 3


def test_an_event_booked_after_the_repair_overwrites_it_as_usual(payment):
    delete_state(payment[1])
    mend_payment(payment)
    later = next_event(payment[1], datetime.now(UTC))
    insert_history([later])

    record([later])

    assert version(later) == 3


def test_while_a_transaction_stays_open_the_latest_state_is_named_as_not_judged(payment, monkeypatch):
    monkeypatch.setattr(mending, "BARRIER_SECONDS_MAX", 0.1)
    delete_state(payment[1])
    rival = OpenCapture(payment[1])
    try:
        outcome = mend_payment(payment)
    finally:
        rival.commit()
        record([rival.body])

    assert outcome.waiting == {UUID(payment[0]["payment_id"])}
    assert not outcome.agrees
    mend_payment(payment)
    assert version(rival.body) == 3


def ledger(*arguments):
    output, code = StringIO(), 0
    try:
        call_command("ledger", *arguments, stdout=output)
    except SystemExit as end:
        code = end.code
    return code, output.getvalue()


def test_the_command_shows_mends_and_exits_0_only_when_nothing_is_left(day):
    scope = ["--day", str(day.date)]
    day.delete(EVENTS_BY_DAY, day.bodies[0])

    dry = ledger("repair", *scope, "--dry-run")
    wet = ledger("repair", *scope, "--who", "a tester", "--why", "a test", "--rate", "5000", "--json")

    assert dry[0] == 1
    assert f"would write: events_by_day payment_id={day.bodies[0]['payment_id']} seq=1" in dry[1]
    assert wet[0] == 0
    answer = json.loads(wet[1])
    assert (answer["rows"], answer["agrees"]) == ({"events_by_day": 1}, True)
    assert ledger("repair", *scope, "--dry-run")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--why", "no name"], "--who"),
        (["--who", "somebody", "--why", " "], "--why"),
        (["--dry-run", "--payment", str(uuid4())], "PostgreSQL has no event of payment"),
        (["--dry-run", "--payment", str(uuid4()), "--day", "2001-01-01"], "either --payment or days"),
        (["--dry-run", "--rate", "0"], "no rate"),
    ],
)
def test_bad_input_is_refused_by_name(arguments, words):
    with pytest.raises(CommandError, match=words):
        ledger("repair", *arguments)
