"""Days that are not sealed: not over, different in the two stores, or waited for by an import or a payment."""

import json
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from uuid import UUID, uuid4

import pytest
from django.conf import settings
from django.core.management import CommandError
from django.db import connection

from core.payments.models import ImportBatch
from core.payments.selectors import sealed_days
from payments_ledger.rows import rows_of
from payments_ledger.seals import sealing
from payments_ledger.seals.sealing import Outcome, seal_day
from tests.factories.ledger_damage import by_hand
from tests.factories.ledger_events import canonical
from tests.integration.payments_ledger.sealing.days import open_import
from tests.ledger_command import ledger


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
