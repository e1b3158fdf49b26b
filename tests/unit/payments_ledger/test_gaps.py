"""Which events a batch shows to be missing."""

from uuid import uuid4

from hypothesis import given, settings
from hypothesis import strategies as st

from payments_ledger.gaps import missing_keys

ONE, OTHER = uuid4(), uuid4()


def test_a_dense_batch_from_one_misses_nothing():
    assert missing_keys([(ONE, 1), (ONE, 2), (OTHER, 1)], {}) == []


def test_what_lies_between_the_record_and_the_batch_is_missing():
    assert missing_keys([(ONE, 5)], {ONE: 2}) == [(ONE, 3), (ONE, 4)]


def test_a_hole_inside_the_batch_is_missing():
    assert missing_keys([(ONE, 1), (ONE, 4)], {}) == [(ONE, 2), (ONE, 3)]


def test_a_replayed_message_misses_nothing():
    assert missing_keys([(ONE, 1)], {ONE: 7}) == []


def test_payments_do_not_mix():
    assert missing_keys([(ONE, 2), (OTHER, 2)], {ONE: 1}) == [(OTHER, 1)]


@settings(deadline=None)
@given(seqs=st.sets(st.integers(1, 30), min_size=1), recorded=st.integers(0, 30))
def test_with_what_is_missing_the_sequence_is_dense(seqs, recorded):
    missing = {seq for _, seq in missing_keys([(ONE, seq) for seq in seqs], {ONE: recorded})}

    assert missing.isdisjoint(seqs)
    assert missing | seqs | set(range(1, recorded + 1)) >= set(range(1, max(seqs) + 1))
    assert all(recorded < seq < max(seqs) for seq in missing)
