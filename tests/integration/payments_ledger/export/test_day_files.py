"""`manage.py ledger export`: what is in the file of a day, and when it is written."""

from datetime import datetime, timedelta

import pytest
from django.core.management import CommandError

from payments_ledger.analytics.folder import day_file, exported_days, owned
from payments_ledger.analytics.pages import pages
from payments_ledger.analytics.stamps import stamp_of
from payments_ledger.reconciliation.digests import MODULUS, presence_of
from payments_ledger.reconciliation.scope import Block
from tests.factories.ledger_events import day_of, fields, insert_history, record
from tests.integration.payments_ledger.export.exports import export, outcomes, rows_of


def test_file_holds_every_event_as_it_was_booked(bodies, tmp_path):
    day = day_of(bodies[0])

    code, report = export(tmp_path, day, "--unsealed")
    found = rows_of(tmp_path, day)

    assert (code, outcomes(report), report["rows"]) == (0, ["written"], 4)
    assert set(found) == {(body["payment_id"], body["seq"]) for body in bodies}
    for body in bodies:
        row = found[body["payment_id"], body["seq"]]
        assert dict(row["postings"]) == body["postings"]
        for name in ("amount_minor", "currency", "payment_type", "bucket", "event_type", "status_after", "region"):
            assert row[name] == body[name], name
        assert (str(row["order_id"]), str(row["user_id"])) == (body["order_id"], body["user_id"])
        # Cassandra's times are whole milliseconds.
        booked_at = datetime.fromisoformat(body["booked_at"])
        assert row["booked_at"] == booked_at.replace(microsecond=booked_at.microsecond // 1000 * 1000)


def test_footer_has_the_digest_of_the_blocks(bodies, tmp_path):
    day = day_of(bodies[0])
    export(tmp_path, day, "--unsealed")
    hashes = [row["body_sha256"] for row in rows_of(tmp_path, day).values()]

    stamp = stamp_of(day_file(tmp_path, day))

    assert stamp.digest == (sum(map(presence_of, hashes)) % MODULUS).to_bytes(16, "big").hex()
    assert (stamp.booking_day, stamp.event_count, stamp.is_sealed, stamp.seal_no) == (day, 4, False, "")
    assert sum(int(digest, 16) for digest in stamp.blocks.values()) % MODULUS == int(stamp.digest, 16)
    assert set(stamp.blocks) == {f"{body['payment_type']}/{body['bucket']}" for body in bodies}


def test_unsealed_day_is_left_out_unless_asked_for(bodies, tmp_path):
    day = day_of(bodies[0])

    assert outcomes(export(tmp_path, day)[1]) == ["unsealed"]
    assert exported_days(tmp_path) == []


def test_second_export_writes_nothing_and_a_new_event_writes_the_day_again(bodies, tmp_path):
    day = day_of(bodies[0])
    export(tmp_path, day, "--unsealed")
    before = day_file(tmp_path, day).stat().st_mtime_ns

    assert outcomes(export(tmp_path, day, "--unsealed")[1]) == ["current"]
    assert day_file(tmp_path, day).stat().st_mtime_ns == before

    later = fields(booked_at=datetime.fromisoformat(bodies[0]["booked_at"]) + timedelta(hours=2))
    insert_history([later])
    record([later])
    assert outcomes(export(tmp_path, day, "--unsealed")[1]) == ["written"]
    assert (later["payment_id"], 1) in rows_of(tmp_path, day)


def test_dry_run_says_what_is_due_and_writes_nothing(bodies, tmp_path):
    day = day_of(bodies[0])

    code, report = export(tmp_path, day, "--unsealed", "--dry-run")

    assert (code, report["due"], report["days"]) == (0, [{"day": str(day), "sealed": False}], [])
    assert list(tmp_path.iterdir()) == []


def test_two_exports_into_one_folder_do_not_meet(bodies, tmp_path):
    with owned(tmp_path), pytest.raises(CommandError, match="another export is writing"):
        export(tmp_path, day_of(bodies[0]), "--unsealed")


def test_pages_of_a_block_are_whole_and_in_order(bodies):
    body = bodies[0]
    block = Block(day_of(body), body["payment_type"], body["bucket"])

    found = list(pages([block, block._replace(payment_type="boleto")], columns=("seq",), page_rows=2))

    assert [[int.from_bytes(seq, "big") for (seq,) in rows] for _, rows in found] == [[1, 2], [3]]
