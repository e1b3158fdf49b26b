"""The record of a repair: who, why and what stood there, kept for good and also of one that was interrupted."""

from uuid import uuid4

import pytest
from django.db import DatabaseError, connection

from payments_ledger import writing
from payments_ledger.errors import LedgerUnavailable
from payments_ledger.models import LedgerRepair
from payments_ledger.reconciliation.repair_audit import block_digest
from payments_ledger.tables import EVENTS_BY_DAY, PAYMENT_EVENTS
from tests.factories.ledger_events import canonical
from tests.integration.payments_ledger.repair.repairs import block_of, damage_everything, key, mended


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
