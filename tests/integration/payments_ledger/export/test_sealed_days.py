"""A sealed day is exported with its seal, once, and not at all when a cell of it was edited."""

from uuid import UUID

import pytest

from payments_ledger import session
from payments_ledger.analytics.folder import day_file, exported_days
from payments_ledger.analytics.stamps import stamp_of
from payments_ledger.tables import EVENTS_BY_DAY
from tests.factories.ledger_events import day_of
from tests.integration.payments_ledger.export.exports import export, outcomes, seal


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
