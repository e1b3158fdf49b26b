"""Days are closed once, when they are over and both stores agree, and a crash anywhere is gone on from."""

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from uuid import UUID, uuid4

import psycopg2
import pytest
from django.conf import settings
from django.core.management import CommandError
from django.db import connection

from core.payments.models import ImportBatch, SealedDay
from core.payments.selectors import sealed_days
from payments_ledger.rows import rows_of
from payments_ledger.seals import published, publishing, recording, sealing, totals
from payments_ledger.seals.audit import audit_chain
from payments_ledger.seals.days import booked_days, unsealed_days
from payments_ledger.seals.errors import ChainBroken, SealingBusy
from payments_ledger.seals.seal import seal_of
from payments_ledger.seals.sealing import Outcome, seal_day, seal_through
from payments_ledger.tables import DAILY_TOTALS
from tests.factories.ledger_events import canonical, fields, insert_history, own_noon, record
from tests.integration.payments_ledger.sealable import SealableDay, by_hand
from tests.integration.payments_ledger.test_ledger_command import ledger

PROJECT = Path(__file__).resolve().parents[3]
CAPTURED = "payments.payment.captured.v1"


@pytest.fixture
def day():
    return SealableDay()


def assert_whole(day):
    """The day is sealed in all three places, and its totals are there."""
    assert audit_chain().findings == ()
    held = SealedDay.objects.get(booking_day=day.date)
    assert published.lines()[0][held.seal_no - 1] == seal_of(bytes(held.body)).line()
    assert len(recording.stored_rows(day.date)) == len(seal_of(bytes(held.body)).blocks)
    assert sum(total.event_count for total in totals.between(day.date, day.date)) == len(day.bodies)


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


def test_a_day_on_which_nothing_was_booked_stays_open(day):
    empty = datetime(1969, 6, 1 + day.date.day % 28, tzinfo=UTC).date()

    result = seal_day(empty)

    assert result.outcome is Outcome.EMPTY
    assert not sealed_days.is_sealed(empty)


def test_a_day_that_is_not_over_is_refused():
    today = datetime.now(UTC).date()

    assert seal_day(today).outcome is Outcome.NOT_YET
    with pytest.raises(CommandError, match=f"{today} is not over") as refusal:
        ledger("seal", "--day", str(today))
    assert refusal.value.returncode == 2
    with pytest.raises(CommandError, match="is not over"):
        ledger("seal", "--through", str(today))


def test_a_day_on_which_the_stores_differ_is_refused_and_the_row_named(day):
    body = day.bodies[3]
    row = rows_of(canonical(body))
    condition = (
        "order_id = ? AND payment_id = ? AND seq = ?",
        [UUID(body["order_id"]), UUID(body["payment_id"]), body["seq"]],
    )
    by_hand(f"UPDATE payment_events SET amount_minor = ? WHERE {condition[0]}", [1, *condition[1]])
    try:
        code, output = ledger("seal", "--day", str(day.date))
    finally:
        by_hand(f"UPDATE payment_events SET amount_minor = ? WHERE {condition[0]}", [row.amount_minor, *condition[1]])

    assert code == 1
    assert body["payment_id"] in output
    assert "amount_minor: expected" in output
    assert not sealed_days.is_sealed(day.date)
    assert seal_day(day.date).outcome is Outcome.SEALED


def test_a_row_changed_between_verification_and_seal_is_seen(day, monkeypatch):
    body = day.bodies[0]
    key = [day.date, body["payment_type"], body["bucket"], rows_of(canonical(body)).write_timestamp_us // 1000]
    key += [UUID(body["payment_id"]), body["seq"]]
    change = (
        "UPDATE events_by_day SET body_sha256 = ? WHERE booking_day = ? AND payment_type = ? AND bucket = ? "
        "AND booked_at = ? AND payment_id = ? AND seq = ?"
    )
    verify = sealing.verify

    def verify_and_change(**days):
        report = verify(**days)
        by_hand(change, [bytes(32), *key])
        return report

    monkeypatch.setattr(sealing, "verify", verify_and_change)
    try:
        result = seal_day(day.date)
    finally:
        by_hand(change, [sha256(canonical(body)).digest(), *key])

    assert result.outcome is Outcome.DIFFERS
    assert f"{body['payment_type']}/{body['bucket']}" in result.reasons[0]
    assert not sealed_days.is_sealed(day.date)


@contextmanager
def open_import(day):
    batch = ImportBatch.objects.create(id=uuid4(), source="orders.parquet", first_day=day.date, last_day=day.date)
    try:
        yield batch
    finally:
        batch.delete()


def test_a_day_of_an_open_import_is_refused_and_the_batch_named(day):
    with open_import(day) as batch:
        batch_id = str(batch.id)
        code, output = ledger("seal", "--day", str(day.date), "--json")

    assert code == 2
    (refused,) = json.loads(output)["days"]
    assert refused["outcome"] == "not_yet"
    assert batch_id in refused["reasons"][0]
    assert "orders.parquet" in refused["reasons"][0]


def test_an_import_that_was_open_during_the_verification_makes_it_worth_nothing(day, monkeypatch):
    verify = sealing.verify

    def verify_while_importing(**days):
        report = verify(**days)
        with open_import(day) as batch:
            ImportBatch.objects.filter(pk=batch.pk).update(state="closed", closed_at=datetime.now(UTC))
            kept.append(ImportBatch.objects.get(pk=batch.pk))
        kept[0].save(force_insert=True)
        return report

    kept: list[ImportBatch] = []
    monkeypatch.setattr(sealing, "verify", verify_while_importing)
    try:
        result = seal_day(day.date)
    finally:
        kept[0].delete()

    assert result.outcome is Outcome.NOT_YET
    assert "was just open" in result.reasons[0]


PARKED = "INSERT INTO outbox_consumer_parked (group_id, agg_key, first_seq, reason) VALUES (%s, %s, %s, 'poison')"
DEAD = (
    "INSERT INTO outbox_dead_letter "
    "(group_id, topic, partition, kafka_offset, agg_key, agg_seq, type, payload, reason) "
    "VALUES (%s, 'x', 0, 0, %s, %s, 'x', ''::bytea, 'poison')"
)


@contextmanager
def waiting(statement, table, group, payment_id, seq):
    with connection.cursor() as cursor:
        cursor.execute(statement, [settings.KAFKA_GROUP_PREFIX + group, payment_id, seq])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM {table} WHERE agg_key = %s", [payment_id])


@pytest.mark.parametrize(
    ("statement", "table", "word"),
    [(PARKED, "outbox_consumer_parked", "parked"), (DEAD, "outbox_dead_letter", "dead letter")],
)
def test_a_day_with_a_parked_payment_or_a_dead_letter_is_refused_and_the_payment_named(day, statement, table, word):
    payment_id = day.bodies[0]["payment_id"]

    with waiting(statement, table, "ledger", payment_id, 2):
        code, output = ledger("seal", "--day", str(day.date))
        rehearsed, _ = ledger("seal", "--day", str(day.date), "--dry-run")
    # Another group's trouble, and a later event of the payment, say nothing about this day.
    with waiting(statement, table, "webhooks", payment_id, 1), waiting(statement, table, "ledger", str(uuid4()), 1):
        assert ledger("seal", "--day", str(day.date), "--dry-run")[0] == 0
    with waiting(statement, table, "ledger", payment_id, 3):
        assert seal_day(day.date).outcome is Outcome.SEALED

    assert (code, rehearsed) == (2, 2)
    assert f"payment {payment_id} is" in output
    assert word in output


def test_days_are_sealed_through_a_day_each_once_and_one_that_waits_holds_up_no_other(monkeypatch):
    days = [SealableDay(payments=1) for _ in range(3)]
    monkeypatch.setattr(sealing, "unsealed_days", lambda last_day, **_: [day.date for day in days])

    with open_import(days[1]):
        results = list(seal_through(days[-1].date))
    again = list(seal_through(days[-1].date))

    assert [result.outcome for result in results] == [Outcome.SEALED, Outcome.NOT_YET, Outcome.SEALED]
    assert [result.outcome for result in again] == [Outcome.ALREADY_SEALED, Outcome.SEALED, Outcome.ALREADY_SEALED]
    # In the order of sealing, not of days.
    assert again[1].seal_no > results[2].seal_no > results[0].seal_no
    for day in days:
        assert_whole(day)


def test_a_difference_on_one_day_leaves_its_neighbours_sealed(monkeypatch):
    days = [SealableDay(payments=1) for _ in range(3)]
    monkeypatch.setattr(sealing, "unsealed_days", lambda last_day, **_: [day.date for day in days])
    lost = fields(booked_at=datetime(days[1].date.year, days[1].date.month, days[1].date.day, 9, tzinfo=UTC))
    insert_history([lost], inserted_seconds_ago=3600)

    try:
        results = list(seal_through(days[-1].date))
    finally:
        record([lost])

    assert [result.outcome for result in results] == [Outcome.SEALED, Outcome.DIFFERS, Outcome.SEALED]
    assert lost["payment_id"] in results[1].reasons[0]


def test_the_days_to_seal_are_those_with_events_and_no_seal():
    noons = [own_noon() for _ in range(3)]
    bodies = [fields(booked_at=noons[0]), fields(booked_at=noons[2])]
    insert_history(bodies)
    record(bodies)
    first, last = noons[0].date(), noons[2].date()
    assert booked_days(first, last) == [first, last]
    assert unsealed_days(last, first_day=first) == [first, last]
    seal_day(first)
    assert unsealed_days(last, first_day=first) == [last]
    assert unsealed_days(first, first_day=first) == []


def test_with_nothing_to_seal_the_command_says_so():
    assert ledger("seal", "--through", "1969-12-31") == (0, "nothing to seal\n")
    assert ledger("seal", "--through", "1969-12-31", "--dry-run")[0] == 0


class Died(BaseException):
    """As if the process had ended: nothing catches it."""


STEPS = {
    "the seal is decided": (recording, "write"),
    "Cassandra has it": (totals, "recompute"),
    "the totals are written": (published, "append"),
    "half a line is written": (os, "fsync"),
    "before it is decided": (sealing, "_decide"),
}


@pytest.mark.parametrize("step", STEPS)
def test_a_crash_between_any_two_steps_is_gone_on_from(day, monkeypatch, step):
    module, name = STEPS[step]

    def die(*arguments, **options):
        if step == "half a line is written":
            os.ftruncate(arguments[0], os.fstat(arguments[0]).st_size - 100)
        raise Died

    with monkeypatch.context() as patched:
        patched.setattr(module, name, die)
        with pytest.raises(Died):
            seal_day(day.date)

    was_decided = sealed_days.is_sealed(day.date)
    assert was_decided == (step != "before it is decided")
    if was_decided:
        assert not audit_chain().agrees
    later = SealableDay(payments=1)
    assert seal_day(later.date).outcome is Outcome.SEALED
    assert seal_day(day.date).outcome is (Outcome.ALREADY_SEALED if was_decided else Outcome.SEALED)
    assert_whole(day)
    assert_whole(later)


def test_a_killed_process_leaves_the_seal_to_the_next(day):
    program = (
        "import os, signal, django; django.setup(); from datetime import date; "
        "from payments_ledger.seals import published, sealing; "
        "published.append = lambda seal: os.kill(os.getpid(), signal.SIGKILL); "
        f"sealing.seal_day(date.fromisoformat('{day.date}'))"
    )
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "core.settings", "LOG_LEVEL": "ERROR"}

    done = subprocess.run([sys.executable, "-c", program], cwd=PROJECT, env=environment, timeout=60, check=False)

    assert done.returncode == -signal.SIGKILL
    assert sealed_days.is_sealed(day.date)
    assert [finding.place for finding in audit_chain().findings] == ["file"]
    assert seal_day(day.date).outcome is Outcome.ALREADY_SEALED
    assert_whole(day)


def test_two_do_not_seal_at_once(day):
    other = psycopg2.connect(**connection.get_connection_params())
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(hashtextextended('payments_ledger.seals', 0))")
        with pytest.raises(SealingBusy):
            seal_day(day.date)
        with pytest.raises(CommandError, match="another process") as refusal:
            ledger("seal", "--day", str(day.date))
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(hashtextextended('payments_ledger.seals', 0))")
    finally:
        other.close()

    assert refusal.value.returncode == 2
    assert seal_day(day.date).outcome is Outcome.SEALED


def test_nothing_is_added_to_a_published_chain_that_was_changed(day):
    seal_day(SealableDay(payments=1).date)
    seal_day(SealableDay(payments=1).date)
    content = published.path().read_bytes()
    published.path().write_bytes(b"".join(content.splitlines(keepends=True)[:-2]))
    try:
        with pytest.raises(ChainBroken, match="audit-chain"):
            seal_day(day.date)
        with pytest.raises(CommandError) as refusal:
            ledger("seal", "--day", str(day.date))
    finally:
        published.path().write_bytes(content)

    assert refusal.value.returncode == 1
    assert not sealed_days.is_sealed(day.date)
    assert publishing.finish_interrupted() is None
