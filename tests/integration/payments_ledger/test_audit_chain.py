"""Whatever is done to one copy of the chain of seals is found, named to the seal and to the row, column or line."""

import json
from contextlib import contextmanager
from hashlib import sha256

import pytest

from core.payments.models import SealedDay
from payments_ledger.seals import published, recording
from payments_ledger.seals.audit import audit_chain
from payments_ledger.seals.findings import Fault, Place
from payments_ledger.seals.seal import seal_of
from payments_ledger.seals.sealing import seal_day
from payments_ledger.tables import LEDGER_SEALS
from tests.factories.ledger_damage import by_hand
from tests.integration.payments_ledger.sealable import SealableDay, as_owner
from tests.ledger_command import ledger


@pytest.fixture(scope="module")
def chain():
    """Three sealed days, the last of them the head."""
    days = [SealableDay(payments=2) for _ in range(3)]
    for day in days:
        seal_day(day.date)
    return [SealedDay.objects.get(booking_day=day.date) for day in days]


@pytest.fixture(autouse=True)
def _whole_before_and_after():
    assert audit_chain().findings == ()
    yield
    assert audit_chain().findings == ()


def found(audit):
    return [(finding.place, finding.fault, finding.seal_no) for finding in audit.findings]


def test_a_whole_chain_is_whole(chain):
    audit = audit_chain()

    assert audit.agrees
    assert audit.head == bytes(chain[-1].seal_hash)
    code, output = ledger("audit-chain", "--json")
    assert code == 0
    assert json.loads(output) == audit.as_json()


@contextmanager
def changed_row(held, column, value):
    row = recording.stored_rows(held.booking_day)[0]
    condition = " AND ".join(f"{name} = ?" for name in LEDGER_SEALS.key)
    statement = f"UPDATE {LEDGER_SEALS.name} SET {column} = ? WHERE {condition}"
    key = list(row[: len(LEDGER_SEALS.key)])
    before = row[LEDGER_SEALS.columns.index(column)]
    by_hand(statement, [value, *key])
    try:
        yield
    finally:
        by_hand(statement, [before, *key])


CHANGES = [
    ("event_count", 99),
    ("sums", {"payments.payment.captured.v1/GBP": 1}),
    ("sums", None),
    ("digest", bytes(16)),
    ("pg_digest", bytes(16)),
    ("matched", False),
    ("sealed_at", 0),
    ("seal_no", 1_000_000),
    ("prev_seal", bytes(32)),
    ("tool_version", "by hand"),
    ("event_count", None),
]


@pytest.mark.parametrize(("column", "value"), CHANGES)
def test_an_edited_cell_of_a_seal_is_found_with_its_column(chain, column, value):
    held = chain[1]

    with changed_row(held, column, value):
        audit = audit_chain()

    assert found(audit) == [(Place.CASSANDRA, Fault.EDITED, held.seal_no)]
    assert f", {column}: sealed " in audit.findings[0].detail


@pytest.mark.parametrize("place", [0, 2])
def test_a_deleted_seal_is_found(chain, place):
    held = chain[place]
    by_hand(f"DELETE FROM {LEDGER_SEALS.name} WHERE booking_day = ?", [held.booking_day])
    try:
        audit = audit_chain()
    finally:
        put_back(held)

    rows = len(seal_of(bytes(held.body)).blocks)
    assert found(audit) == [(Place.CASSANDRA, Fault.MISSING, held.seal_no)] * rows


def test_one_deleted_row_of_a_seal_is_found(chain):
    row = recording.stored_rows(chain[1].booking_day)[-1]
    condition = " AND ".join(f"{name} = ?" for name in LEDGER_SEALS.key)
    by_hand(f"DELETE FROM {LEDGER_SEALS.name} WHERE {condition}", list(row[:4]))
    try:
        audit = audit_chain()
    finally:
        put_back(chain[1])

    assert found(audit) == [(Place.CASSANDRA, Fault.MISSING, chain[1].seal_no)]
    assert f"{row[1]}/{row[2]}" in audit.findings[0].detail


def put_back(held):
    """The seal's rows, written now: a write at the time of sealing would not undo a deletion."""
    marks = ", ".join("?" * len(LEDGER_SEALS.columns))
    for row in recording.rows_of(seal_of(bytes(held.body))):
        by_hand(f"INSERT INTO {LEDGER_SEALS.name} ({', '.join(LEDGER_SEALS.columns)}) VALUES ({marks})", list(row))


def test_rows_that_no_seal_has_are_found(chain):
    row = list(recording.stored_rows(chain[0].booking_day)[0])
    stranger = SealableDay(payments=1).date
    marks = ", ".join("?" * len(row))
    insert = f"INSERT INTO {LEDGER_SEALS.name} ({', '.join(LEDGER_SEALS.columns)}) VALUES ({marks})"
    condition = " AND ".join(f"{name} = ?" for name in LEDGER_SEALS.key)
    in_seal = [row[0], "invented", *row[2:]]
    on_another_day = [stranger, *row[1:]]
    for values in (in_seal, on_another_day):
        by_hand(insert, values)
    try:
        audit = audit_chain()
    finally:
        for values in (in_seal, on_another_day):
            by_hand(f"DELETE FROM {LEDGER_SEALS.name} WHERE {condition}", values[:4])

    assert sorted(found(audit)) == [(Place.CASSANDRA, Fault.EXTRA, chain[0].seal_no)] * 2
    assert {finding.booking_day for finding in audit.findings} == {chain[0].booking_day, stranger}


@contextmanager
def changed_file(change):
    content = published.path().read_bytes()
    published.path().write_bytes(change(content))
    try:
        yield
    finally:
        published.path().write_bytes(content)


def test_an_edited_line_is_found(chain):
    day = str(chain[1].booking_day).encode()

    with changed_file(lambda content: content.replace(day, b"1234-05-06")):
        audit = audit_chain()

    assert found(audit) == [(Place.FILE, Fault.EDITED, chain[1].seal_no)]
    assert "1234-05-06" in audit.findings[0].detail


def test_an_edited_hash_in_the_file_is_found(chain):
    with changed_file(lambda content: content.replace(bytes(chain[2].seal_hash).hex().encode(), b"ab" * 32)):
        audit = audit_chain()

    assert found(audit) == [(Place.FILE, Fault.EDITED, chain[2].seal_no)]


def test_a_truncated_file_is_found_line_by_line(chain):
    with changed_file(lambda content: b"".join(content.splitlines(keepends=True)[:-2])):
        audit = audit_chain()
        code, output = ledger("audit-chain")

    assert found(audit) == [(Place.FILE, Fault.MISSING, held.seal_no) for held in chain[1:]]
    assert code == 1
    assert "THE CHAIN IS BROKEN: 2 findings" in output


def test_a_file_cut_in_the_middle_of_a_line_is_found(chain):
    with changed_file(lambda content: content[:-40]):
        audit = audit_chain()

    assert sorted(found(audit)) == [
        (Place.FILE, Fault.BROKEN, chain[2].seal_no),
        (Place.FILE, Fault.MISSING, chain[2].seal_no),
    ]


def test_a_file_that_is_gone_is_found(chain):
    with changed_file(lambda content: b""):
        audit = audit_chain()

    assert found(audit) == [(Place.FILE, Fault.MISSING, number) for number in range(1, chain[2].seal_no + 1)]


def test_a_deleted_a_repeated_an_invented_and_a_senseless_line_are_found(chain):
    invented = json.dumps({"seal_no": chain[2].seal_no + 5}).encode()

    def change(content):
        lines = content.splitlines(keepends=True)
        return b"".join([*lines[:-2], lines[-1], lines[-1], b"{}\n", invented + b"\n"])

    with changed_file(change):
        audit = audit_chain()

    assert sorted(found(audit)) == sorted(
        [
            (Place.FILE, Fault.MISSING, chain[1].seal_no),
            (Place.FILE, Fault.BROKEN, chain[2].seal_no),
            (Place.FILE, Fault.BROKEN, chain[2].seal_no + 1),
            (Place.FILE, Fault.EXTRA, chain[2].seal_no + 5),
        ]
    )


@pytest.mark.parametrize("place", [1, 2])
def test_a_seal_edited_in_postgresql_with_a_hash_that_fits_is_found(chain, place):
    held = chain[place]
    body = bytes(held.body).replace(b'"event_count":', b'"event_count":1')
    assert body != bytes(held.body)
    as_owner(
        "UPDATE payments_sealedday SET body = %s, seal_hash = %s WHERE seal_no = %s",
        [body, sha256(body).digest(), held.seal_no],
    )
    try:
        audit = audit_chain()
    finally:
        restore(held)

    assert found(audit) == [(Place.POSTGRESQL, Fault.EDITED, held.seal_no)]
    assert bytes(held.seal_hash).hex() in audit.findings[0].detail


def restore(held):
    as_owner(
        "UPDATE payments_sealedday SET body = %s, seal_hash = %s, prev_hash = %s, sealed_at = %s, booking_day = %s "
        "WHERE seal_no = %s",
        [
            bytes(held.body),
            bytes(held.seal_hash),
            bytes(held.prev_hash),
            held.sealed_at,
            held.booking_day,
            held.seal_no,
        ],
    )


@pytest.mark.parametrize("column", ["prev_hash", "sealed_at"])
def test_a_column_that_its_body_contradicts_is_found(chain, column):
    values = {"prev_hash": bytes(31) + b"x", "sealed_at": "2030-01-01T00:00:00Z"}
    as_owner(f"UPDATE payments_sealedday SET {column} = %s WHERE seal_no = %s", [values[column], chain[2].seal_no])
    try:
        audit = audit_chain()
    finally:
        restore(chain[2])

    assert found(audit) == [(Place.POSTGRESQL, Fault.BROKEN, chain[2].seal_no)]


@pytest.mark.parametrize("place", [1, 2])
def test_a_seal_deleted_in_postgresql_is_found(chain, place):
    held = chain[place]
    as_owner("DELETE FROM payments_sealedday WHERE seal_no = %s", [held.seal_no])
    try:
        audit = audit_chain()
    finally:
        held.save(force_insert=True)

    assert found(audit) == [(Place.POSTGRESQL, Fault.MISSING, held.seal_no)]


def test_a_seal_rewritten_in_all_three_copies_breaks_the_chain_after_it(chain):
    held, following = chain[1], chain[2]
    body = bytes(held.body).replace(b'"event_count":', b'"event_count":1')
    forged = seal_of(body)
    old_line = seal_of(bytes(held.body)).line()
    as_owner(
        "UPDATE payments_sealedday SET body = %s, seal_hash = %s WHERE seal_no = %s",
        [body, forged.hash(), held.seal_no],
    )
    for row in recording.rows_of(forged):
        condition = " AND ".join(f"{name} = ?" for name in LEDGER_SEALS.key)
        by_hand(f"UPDATE {LEDGER_SEALS.name} SET event_count = ? WHERE {condition}", [row[4], *row[:4]])
    try:
        with changed_file(lambda content: content.replace(old_line, forged.line())):
            audit = audit_chain()
    finally:
        restore(held)
        put_back(held)

    assert found(audit) == [(Place.POSTGRESQL, Fault.BROKEN, following.seal_no)]
    assert forged.hash().hex() in audit.findings[0].detail
