"""`manage.py ledger export`: what is in the files, what is exported again, and what a kill leaves."""

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from uuid import UUID

import pyarrow.parquet as pq
import pytest
from django.core.management import CommandError, call_command

from payments_ledger import session
from payments_ledger.analytics.folder import day_file, exported_days, owned
from payments_ledger.analytics.pages import pages
from payments_ledger.analytics.stamps import stamp_of
from payments_ledger.reconciliation.digests import MODULUS, presence_of
from payments_ledger.reconciliation.scope import Block
from payments_ledger.seals import recording
from payments_ledger.seals.seal import Seal, SealedBlock
from payments_ledger.tables import EVENTS_BY_DAY
from tests.factories.ledger_events import day_of, fields, history_of_payment, insert_history, own_noon, record
from tests.waiting import eventually

PROJECT = Path(__file__).resolve().parents[3]


def export(folder, day, *arguments):
    """(exit code, report) of `ledger export` for one day."""
    output, code = StringIO(), 0
    try:
        call_command(
            "ledger", "export", "--folder", str(folder), "--day", str(day), "--json", *arguments, stdout=output
        )
    except SystemExit as end:
        code = end.code
    return code, json.loads(output.getvalue())


def outcomes(report):
    return [day["outcome"] for day in report["days"]]


def rows_of(folder, day):
    return {(str(row["payment_id"]), row["seq"]): row for row in pq.read_table(day_file(folder, day)).to_pylist()}


@pytest.fixture
def bodies():
    """The events of a day: two payments of several types and currencies."""
    noon = own_noon()
    made = [
        *history_of_payment(events=3, booked_at=noon, region="Réunion"),
        fields(booked_at=noon + timedelta(hours=1), payment_type="credit", currency="BRL", amount_minor=-77, seq=1,
               event_type="payments.credit.posted.v1", postings={}, provider="simulator", status_after="posted"),
    ]  # fmt: skip
    insert_history(made)
    record(made)
    return made


@pytest.fixture
def sealed(bodies):
    """The same day with a seal, which goes again afterwards: no other test may find it in the chain."""
    day = day_of(bodies[0])
    seal(day)
    yield bodies
    session.lookup("DELETE FROM ledger_seals WHERE booking_day = ?", [day])


def seal(day, *, is_matched=True):
    """Rows of a seal over what Cassandra holds; the chain in PostgreSQL knows nothing of it."""
    blocks = {}
    cql = EVENTS_BY_DAY.select_cql(where=EVENTS_BY_DAY.partition_condition())
    for payment_type in ("wallet", "credit"):
        for bucket in range(4):
            for row in session.lookup(cql, [day, payment_type, bucket]):
                block = blocks.setdefault((payment_type, bucket), [0, {}, 0])
                key = f"{row['event_type']}/{row['currency']}"
                block[0] += 1
                block[1][key] = block[1].get(key, 0) + row["amount_minor"]
                block[2] = (block[2] + presence_of(row["body_sha256"])) % MODULUS
    made = Seal(
        seal_no=7,
        booking_day=day,
        prev_seal=bytes(32),
        sealed_at=datetime(2026, 1, 1, tzinfo=UTC),
        blocks=tuple(
            SealedBlock(
                payment_type=payment_type,
                bucket=bucket,
                event_count=count,
                sums=sums,
                digest=digest.to_bytes(16, "big"),
                pg_digest=digest.to_bytes(16, "big") if is_matched else bytes(16),
            )
            for (payment_type, bucket), (count, sums, digest) in sorted(blocks.items())
        ),
    )
    recording.write(made)
    return made.hash().hex()


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


def test_sealed_day_is_exported_with_its_seal_and_then_skipped(sealed, tmp_path):
    day = day_of(sealed[0])

    assert outcomes(export(tmp_path, day)[1]) == ["written"]
    stamp = stamp_of(day_file(tmp_path, day))
    assert (stamp.is_sealed, stamp.seal_no, stamp.event_count) == (True, "7", 4)
    assert outcomes(export(tmp_path, day)[1]) == ["current"]


def test_day_that_was_exported_unsealed_is_written_again_once_it_is_sealed(bodies, tmp_path):
    day = day_of(bodies[0])
    export(tmp_path, day, "--unsealed")
    seal_hash = seal(day)
    try:
        assert outcomes(export(tmp_path, day)[1]) == ["written"]
        assert stamp_of(day_file(tmp_path, day)).seal_hash == seal_hash
    finally:
        session.lookup("DELETE FROM ledger_seals WHERE booking_day = ?", [day])


def test_seal_that_found_the_stores_to_differ_does_not_count(bodies, tmp_path):
    day = day_of(bodies[0])
    seal(day, is_matched=False)
    try:
        assert outcomes(export(tmp_path, day)[1]) == ["unsealed"]
    finally:
        session.lookup("DELETE FROM ledger_seals WHERE booking_day = ?", [day])


@pytest.mark.parametrize("column", ["amount_minor", "body_sha256"])
def test_sealed_day_with_an_edited_cell_is_refused_and_names_the_block(sealed, tmp_path, column):
    body, day = sealed[0], day_of(sealed[0])
    edited = {"amount_minor": (1, body["amount_minor"]), "body_sha256": (b"\0" * 32, None)}[column]
    original = next(row for row in stored(body) if row["seq"] == body["seq"])
    set_cell(original, column, edited[0])
    try:
        code, report = export(tmp_path, day)
    finally:
        set_cell(original, column, original[column])

    assert (code, outcomes(report)) == (1, ["damaged"])
    assert f"block {day} wallet/{body['bucket']}" in report["days"][0]["detail"]
    assert exported_days(tmp_path) == []
    assert outcomes(export(tmp_path, day)[1]) == ["written"]


def stored(body):
    cql = EVENTS_BY_DAY.select_cql(where=EVENTS_BY_DAY.partition_condition())
    rows = session.lookup(cql, [day_of(body), body["payment_type"], body["bucket"]])
    return [row for row in rows if row["payment_id"] == UUID(body["payment_id"])]


def set_cell(row, column, value):
    """By hand: at the time of now, later than the booking."""
    cql = f"UPDATE events_by_day SET {column} = ? WHERE {EVENTS_BY_DAY.key_condition()}"
    session.lookup(cql, [value, *(row[name] for name in EVENTS_BY_DAY.key)])


def test_pages_of_a_block_are_whole_and_in_order(bodies):
    body = bodies[0]
    block = Block(day_of(body), body["payment_type"], body["bucket"])

    found = list(pages([block, block._replace(payment_type="boleto")], columns=("seq",), page_rows=2))

    assert [[int.from_bytes(seq, "big") for (seq,) in rows] for _, rows in found] == [[1, 2], [3]]


def test_dry_run_says_what_is_due_and_writes_nothing(bodies, tmp_path):
    day = day_of(bodies[0])

    code, report = export(tmp_path, day, "--unsealed", "--dry-run")

    assert (code, report["due"], report["days"]) == (0, [{"day": str(day), "sealed": False}], [])
    assert list(tmp_path.iterdir()) == []


def test_two_exports_into_one_folder_do_not_meet(bodies, tmp_path):
    with owned(tmp_path), pytest.raises(CommandError, match="another export is writing"):
        export(tmp_path, day_of(bodies[0]), "--unsealed")


KILLED_AT_THE_SECOND_DAY = """
import os, signal, sys
import django
django.setup()
from django.core.management import call_command
from payments_ledger.analytics import folder

publish, published = folder.publish, []

def publish_once(unfinished, target):
    if published:
        os.kill(os.getpid(), signal.SIGKILL)
    published.append(target)
    publish(unfinished, target)

folder.publish = publish_once
call_command("ledger", *sys.argv[1:])
"""


def test_killed_export_leaves_whole_days_and_the_next_one_goes_on(tmp_path):
    made = [body for _ in range(4) for body in history_of_payment(events=3, booked_at=own_noon())]
    insert_history(made)
    record(made)
    days = sorted({day_of(body) for body in made})
    arguments = ["export", "--unsealed", "--folder", str(tmp_path), "--from", str(days[0]), "--to", str(days[-1])]

    killed = in_a_process("-c", KILLED_AT_THE_SECOND_DAY, *arguments, "--processes", "1")

    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert exported_days(tmp_path) == days[:1]
    assert stamp_of(day_file(tmp_path, days[0])).event_count == 3
    assert len(list(tmp_path.glob(".unfinished/*"))) == 1

    done = in_a_process("manage.py", "ledger", *arguments, "--processes", "2", "--json")

    assert done.returncode == 0, done.stderr
    assert outcomes(json.loads(done.stdout)) == ["current", "written", "written", "written"]
    assert [stamp_of(day_file(tmp_path, day)).event_count for day in days] == [3] * 4
    assert list(tmp_path.glob(".unfinished/*")) == []


def in_a_process(*arguments):
    environment = {**os.environ, "LOG_LEVEL": "ERROR", "DJANGO_SETTINGS_MODULE": "core.settings"}
    return subprocess.run(
        [sys.executable, *arguments], cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=120
    )


TWO_THAT_WAIT = """
import time
from payments_ledger.analytics.processes import processes_of_their_own

if __name__ == "__main__":
    with processes_of_their_own(2) as executor:
        waiting = [executor.submit(time.sleep, 600) for _ in range(2)]
        print(*executor._processes, flush=True)
"""


def test_processes_of_a_killed_parent_end(tmp_path):
    script = tmp_path / "two.py"
    script.write_text(TWO_THAT_WAIT)
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "core.settings", "PYTHONPATH": str(PROJECT)}

    with subprocess.Popen([sys.executable, str(script)], env=environment, stdout=subprocess.PIPE, text=True) as parent:
        children = [int(word) for word in parent.stdout.readline().split()]
        alive = [child for child in children if Path(f"/proc/{child}").exists()]
        parent.kill()

    assert (len(children), alive) == (2, children)
    eventually(lambda: not any(Path(f"/proc/{child}").exists() for child in children), what="both are gone")
