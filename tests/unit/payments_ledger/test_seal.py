"""A seal's canonical bytes are frozen, and the published file is only ever added to."""

import os
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments_ledger.seals import published, recording
from payments_ledger.seals.errors import ChainBroken
from payments_ledger.seals.seal import FIRST_PREV_SEAL, Seal, SealedBlock, seal_of
from payments_ledger.seals.sealing import in_groups
from payments_ledger.seals.totals import _months

SEAL = Seal(
    seal_no=7,
    booking_day=date(2010, 12, 1),
    prev_seal=bytes(range(32)),
    sealed_at=datetime(2026, 11, 21, 18, 0, 0, 123000, tzinfo=UTC),
    blocks=(
        SealedBlock("card", 0, 2, {"payments.payment.captured.v1/GBP": 2500}, bytes(16), bytes(16)),
        SealedBlock("imported", 3, 1, {"payments.payment.captured.v1/GBP": 100}, b"\x01" * 16, b"\x02" * 16),
    ),
)
# Written out by hand: seals made years ago must give the same hash under any later release.
BODY = (
    b'{"blocks":[{"bucket":0,"digest":"00000000000000000000000000000000","event_count":2,"matched":true,'
    b'"payment_type":"card","pg_digest":"00000000000000000000000000000000",'
    b'"sums":{"payments.payment.captured.v1/GBP":2500}},'
    b'{"bucket":3,"digest":"01010101010101010101010101010101","event_count":1,"matched":false,'
    b'"payment_type":"imported","pg_digest":"02020202020202020202020202020202",'
    b'"sums":{"payments.payment.captured.v1/GBP":100}}],'
    b'"booking_day":"2010-12-01","prev_seal":"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",'
    b'"seal_no":7,"seal_version":1,"sealed_at":"2026-11-21T18:00:00.123000Z","tool_version":"countinghouse-seal/1"}'
)


def test_the_canonical_bytes_are_frozen():
    assert SEAL.body() == BODY
    assert SEAL.hash() == sha256(BODY).digest()
    assert SEAL.line().decode() == (
        f'{{"booking_day":"2010-12-01","prev_seal":"{bytes(range(32)).hex()}",'
        f'"seal_hash":"{sha256(BODY).hexdigest()}","seal_no":7,"sealed_at":"2026-11-21T18:00:00.123000Z"}}'
    )


@given(
    st.lists(
        st.builds(
            SealedBlock,
            payment_type=st.sampled_from(["card", "wallet", "imported"]),
            bucket=st.integers(0, 4095),
            event_count=st.integers(0, 2**63 - 1),
            sums=st.dictionaries(st.text("abc/é", min_size=1, max_size=9), st.integers(-(2**63), 2**63 - 1)),
            digest=st.binary(min_size=16, max_size=16),
            pg_digest=st.binary(min_size=16, max_size=16),
        )
    )
)
def test_a_seal_comes_back_from_its_bytes_and_from_its_rows(blocks):
    unique = {(block.payment_type, block.bucket): block for block in blocks}
    seal = replace(SEAL, blocks=tuple(unique[key] for key in sorted(unique)))

    assert seal_of(seal.body()) == seal
    assert recording.seal_from(recording.rows_of(seal)) == (seal if unique else None)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        BODY[:-1],
        BODY + b" ",
        BODY.replace(b'"seal_no":7', b'"seal_no": 7'),
        BODY.replace(b'"matched":false', b'"matched":true'),
        BODY.replace(b"2010-12-01", b"yesterday"),
        BODY.replace(b'"seal_no":7,', b""),
    ],
)
def test_bytes_that_are_no_canonical_seal_are_refused(body):
    with pytest.raises(ValueError, match="seal"):
        seal_of(body)


@pytest.fixture
def file(tmp_path, settings):
    settings.LEDGER_SEALS_FILE = str(tmp_path / "folder" / "ledger.seals")
    return tmp_path / "folder" / "ledger.seals"


def following(seal):
    return replace(seal, seal_no=seal.seal_no + 1, prev_seal=seal.hash())


def test_a_line_is_added_once_and_nothing_before_it_changes(file):
    first = replace(SEAL, seal_no=1, prev_seal=FIRST_PREV_SEAL)
    second = following(first)

    for seal in (first, first, second, second):
        published.append(seal)

    assert file.read_bytes() == first.line() + b"\n" + second.line() + b"\n"
    assert published.lines() == ([first.line(), second.line()], b"")


@pytest.mark.parametrize("written", [0, 1, 100, -1])
def test_half_a_line_of_a_crash_is_completed(file, written):
    first, second = SEAL, following(SEAL)
    published.append(first)
    line = second.line()
    with file.open("ab") as handle:
        handle.write(line[: written if written >= 0 else len(line)])

    published.append(second)

    assert published.lines() == ([first.line(), second.line()], b"")


def test_half_a_line_of_something_else_is_left_alone(file):
    published.append(SEAL)
    with file.open("ab") as handle:
        handle.write(b"by hand")
    before = file.read_bytes()

    with pytest.raises(ChainBroken, match="in the middle of a line"):
        published.append(following(SEAL))

    assert file.read_bytes() == before


def test_a_line_is_on_disk_before_it_counts(file, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(os.fstat(descriptor).st_ino))

    published.append(SEAL)
    published.append(following(SEAL))

    # The file each time, and its folder when the file is new.
    assert synced == [file.stat().st_ino, file.parent.stat().st_ino, file.stat().st_ino]


def test_no_file_is_an_empty_chain(file):
    assert published.lines() == ([], b"")


def test_the_months_between_two_days_are_all_there():
    assert _months(date(2010, 11, 30), date(2011, 2, 1)) == [201011, 201012, 201101, 201102]
    assert _months(date(2010, 12, 1), date(2010, 12, 31)) == [201012]


def test_days_are_verified_together_unless_too_many_or_too_far_apart():
    first = date(2010, 1, 1)
    month = [first + timedelta(days=number) for number in range(40)]
    later = [date(2011, 5, 1), date(2011, 5, 8), date(2011, 5, 16)]

    assert list(in_groups([*month, *later])) == [month[:31], month[31:], later[:2], later[2:]]
    assert list(in_groups([])) == []
