"""Digests: order does not matter, a missing, doubled or changed row does."""

import sys
from collections import namedtuple
from datetime import UTC, date, datetime
from hashlib import sha256
from uuid import uuid4

from cassandra.util import Date
from hypothesis import given, settings
from hypothesis import strategies as st

from payments_ledger.reconciliation.digests import MODULUS, Summary, comparable_form, content_of, presence_of, total_of
from payments_ledger.rows import rows_of
from payments_ledger.tables import EVENTS_BY_DAY, PAYMENT_EVENTS
from tests.factories.ledger_events import canonical, fields

Row = namedtuple("Row", "body_sha256 content event_type amount")

rows = st.builds(
    Row,
    body_sha256=st.binary(min_size=32, max_size=32),
    content=st.integers(0, MODULUS - 1),
    event_type=st.sampled_from(["captured", "refunded"]),
    amount=st.integers(-(10**12), 10**12),
)


def summary_of(members):
    summary = Summary()
    for row in members:
        summary.add(body_sha256=row.body_sha256, content=row.content)
        summary.add_amount(row.event_type, "GBP", row.amount)
    return summary


@settings(deadline=None)
@given(members=st.lists(rows, max_size=20), randomizer=st.randoms(use_true_random=False))
def test_order_does_not_matter(members, randomizer):
    shuffled = list(members)
    randomizer.shuffle(shuffled)

    assert summary_of(shuffled) == summary_of(members)


@settings(deadline=None)
@given(members=st.lists(rows, min_size=1, max_size=20), copies=st.integers(1, 5))
def test_a_doubled_row_changes_the_digest_however_often(members, copies):
    # XOR would forget a row that is there an even number of times.
    assert summary_of(members + [members[0]] * copies) != summary_of(members)


@settings(deadline=None)
@given(first=st.lists(rows, max_size=10), second=st.lists(rows, max_size=10))
def test_two_parts_merge_into_the_whole(first, second):
    assert total_of([summary_of(first), summary_of(second)]) == summary_of(first + second)


def test_presence_is_the_first_sixteen_bytes_big_endian():
    assert presence_of(bytes(15) + b"\x02" + b"\xff" * 16) == 2
    assert presence_of(b"\x01" + bytes(31)) == 2**120
    assert presence_of(None) == 0


@settings(deadline=None)
@given(column=st.sampled_from(sorted(set(PAYMENT_EVENTS.columns) - {"object_id"})))
def test_one_changed_column_changes_the_content(column):
    comparable = comparable_form(PAYMENT_EVENTS.columns)
    row = list(comparable(rows_of(canonical(fields())).record))
    before = content_of(tuple(row))

    row[PAYMENT_EVENTS.columns.index(column)] = None

    assert content_of(tuple(row)) != before


def test_a_row_read_by_the_driver_compares_equal_to_the_one_written():
    booked_at = datetime(2010, 3, 4, 5, 6, 7, 891234, tzinfo=UTC)
    written = rows_of(canonical(fields(booked_at=booked_at))).entry
    read = list(written)
    for column in ("booked_at", "occurred_at"):
        read[EVENTS_BY_DAY.columns.index(column)] = datetime(2010, 3, 4, 5, 6, 7, 891000)
    read[EVENTS_BY_DAY.columns.index("booking_day")] = Date(date(2010, 3, 4))
    postings = dict(written[EVENTS_BY_DAY.columns.index("postings")])
    read[EVENTS_BY_DAY.columns.index("postings")] = dict(reversed(list(postings.items())))

    comparable = comparable_form(EVENTS_BY_DAY.columns)

    assert comparable(tuple(read)) == comparable(written)


def test_presence_of_a_set_is_the_plain_sum():
    bodies = [sha256(str(uuid4()).encode()).digest() for _ in range(5)]

    total = sum(int.from_bytes(body[:16], "big") for body in bodies) % 2**128

    assert summary_of([Row(body, 0, "captured", 1) for body in bodies]).presence == total


def test_content_depends_on_values_and_not_on_which_objects_hold_them():
    shared = "".join(["GB", "P"])
    interned = sys.intern("GBP")
    number = int("1" * 40)

    one = content_of((shared, shared, number, number, b"x", None))
    other = content_of((interned, "GB" + "P"[:], int("1" * 40), number, bytes([120]), None))

    assert one == other
    assert one != content_of((shared, shared, number, number + 1, b"x", None))
    assert content_of((1, "1")) != content_of(("1", 1))


@settings(deadline=None)
@given(members=st.lists(rows, max_size=20))
def test_a_page_adds_up_to_what_its_rows_do(members):
    paged = Summary()
    paged.add_page([(row.event_type, "GBP", row.amount, row.body_sha256) for row in members])

    plain = summary_of([row._replace(content=0) for row in members])
    assert paged == plain


def test_a_page_counts_rows_that_have_lost_their_values():
    paged = Summary()
    paged.add_page([(None, None, None, None), ("captured", "GBP", 5, None)])

    assert (paged.count, paged.presence) == (2, 0)
    assert paged.sums == {("", ""): 0, ("captured", "GBP"): 5}
