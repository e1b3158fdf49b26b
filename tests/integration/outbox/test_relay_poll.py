"""Both forms of the poll give the rows that are visible in one snapshot and not in the other, in order of id."""

import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from outbox.lanes import LANES
from outbox.relay import poll
from outbox.relay.cursor import Cursor
from outbox.relay.poll import Page
from outbox.relay.session import Session
from tests.integration.outbox.scratch import Scratch, insert, new_keys

ALL_LANES = list(range(LANES))


@pytest.fixture
def session(scratch: Scratch) -> Iterator[Session]:
    made = Session(uuid.uuid4(), using=scratch.schema)
    yield made
    made.close()


def begin(scratch: Scratch, key: str, count: int) -> Any:
    """An open transaction that has inserted rows."""
    connection = scratch.connect()
    with connection.cursor() as cursor:
        for seq in range(1, count + 1):
            insert(cursor, key, seq)
    return connection


@pytest.fixture
def window(scratch: Scratch, session: Session) -> tuple[Cursor, int, list[tuple[str, int]]]:
    """A window with every kind of neighbour, the newest id, and the rows it must give."""
    delivered, across, inside, gone, still_open, later = new_keys(6)
    scratch.publish((delivered, 1), (delivered, 2))
    open_across = begin(scratch, across, 3)
    start = poll.now(session)
    scratch.publish(*[(inside, seq) for seq in range(1, 6)])
    open_gone = begin(scratch, gone, 2)
    open_gone.rollback()
    open_across.commit()
    open_later = begin(scratch, still_open, 2)
    end = poll.now(session)
    open_later.commit()
    scratch.publish((later, 1))
    for connection in (open_across, open_gone, open_later):
        connection.close()
    expected = [(across, seq) for seq in (1, 2, 3)] + [(inside, seq) for seq in range(1, 6)]
    return Cursor(start.snap).opened(end.snap), poll.now(session).last_id, expected


def keys_and_seqs(page: Page | None) -> list[tuple[str, int]]:
    assert page is not None
    return [(row.key, row.seq) for row in page.rows]


def test_both_forms_give_the_same_rows(session: Session, window: tuple[Cursor, int, list[tuple[str, int]]]) -> None:
    cursor, last_id, expected = window

    small = poll.fetch_small(session, cursor, ALL_LANES, last_id)
    backlog = poll.fetch_backlog(session, cursor, ALL_LANES, last_id, poll.first_id(session, cursor))

    assert keys_and_seqs(small) == expected
    assert small == backlog
    assert small is not None
    assert small.is_last


def test_both_forms_go_on_behind_the_same_row(
    session: Session, window: tuple[Cursor, int, list[tuple[str, int]]]
) -> None:
    cursor, last_id, expected = window
    whole = poll.fetch_small(session, cursor, ALL_LANES, last_id)
    assert whole is not None
    behind = cursor.advanced(whole.rows[3].id)

    small = poll.fetch_small(session, behind, ALL_LANES, last_id)
    backlog = poll.fetch_backlog(session, behind, ALL_LANES, last_id, poll.first_id(session, cursor))

    assert keys_and_seqs(small) == expected[4:]
    assert small == backlog


def test_only_the_lanes_asked_for_are_given(
    session: Session, window: tuple[Cursor, int, list[tuple[str, int]]]
) -> None:
    cursor, last_id, _ = window
    whole = poll.fetch_small(session, cursor, ALL_LANES, last_id)
    assert whole is not None

    for lanes in ([whole.rows[0].lane], [lane for lane in ALL_LANES if lane != whole.rows[0].lane]):
        expected = [row for row in whole.rows if row.lane in lanes]
        small = poll.fetch_small(session, cursor, lanes, last_id)
        assert small == replace(whole, rows=expected)
        assert poll.fetch_backlog(session, cursor, lanes, last_id, 0) == small


def test_a_window_too_large_for_one_page_is_left_to_the_backlog_form(scratch: Scratch, session: Session) -> None:
    (key,) = new_keys(1)
    start = poll.now(session)
    scratch.publish(*[(key, seq) for seq in range(1, poll.PAGE_ROWS_MAX + 2)])
    end = poll.now(session)
    cursor = Cursor(start.snap).opened(end.snap)

    first = poll.fetch_backlog(session, cursor, ALL_LANES, end.last_id, poll.first_id(session, cursor))
    rest = poll.fetch_backlog(session, cursor.advanced(first.rows[-1].id), ALL_LANES, end.last_id, 0)

    assert poll.fetch_small(session, cursor, ALL_LANES, end.last_id) is None
    assert [row.seq for row in first.rows + rest.rows] == list(range(1, poll.PAGE_ROWS_MAX + 2))
    assert (first.is_last, rest.is_last) == (False, True)


def test_a_large_payload_makes_a_page_of_its_own(scratch: Scratch, session: Session) -> None:
    (key,) = new_keys(1)
    sizes = [2, poll.PAYLOAD_BYTES_IN_PAGE_MAX + 1, 3, poll.PAYLOAD_BYTES_IN_PAGE_MAX]
    start = poll.now(session)
    connection = scratch.connect()
    with connection, connection.cursor() as cursor:
        for seq, size in enumerate(sizes, start=1):
            insert(cursor, key, seq, payload=b"x" * size)
    connection.close()
    end = poll.now(session)

    pages, at = [], Cursor(start.snap).opened(end.snap)
    for _ in range(4):
        page = poll.fetch_small(session, at, ALL_LANES, end.last_id)
        assert page is not None
        pages.append([len(row.payload) for row in page.rows])
        if page.is_last:
            break
        at = at.advanced(page.rows[-1].id)

    assert pages == [sizes[:1], sizes[1:2], sizes[2:]]


def test_the_poll_reads_by_index(scratch: Scratch, session: Session) -> None:
    parameters = poll._parameters(Cursor("100:100:").opened("200:200:"), ALL_LANES, 10)

    for statement in (poll._SMALL_AFTER, poll._BACKLOG):
        plan = "\n".join(row[0] for row in session.rows("EXPLAIN " + statement, parameters))
        assert "Index Scan" in plan
        assert "Seq Scan" not in plan
        # Partitions made ahead are left out of the plan.
        assert "outbox_event_p000001" not in plan
