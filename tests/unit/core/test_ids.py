from collections import Counter
from uuid import UUID
from zlib import crc32

from hypothesis import given
from hypothesis import strategies as st

from core.ids import event_id, new_id
from core.payments.domain.buckets import bucket_of

PAYMENT = UUID("01a1fd6d-f817-74f3-aacf-f94b0c493edb")


def test_new_ids_are_version_7_and_rise():
    ids = [new_id() for _ in range(1000)]

    assert {one.version for one in ids} == {7}
    assert ids == sorted(ids)
    assert len(set(ids)) == 1000


def test_an_event_id_is_frozen_for_ever():
    assert event_id(PAYMENT, 1) == UUID("5c056923-8a09-5598-bf1f-d693355d2740")
    assert event_id(PAYMENT, 2) != event_id(PAYMENT, 1)


@given(st.uuids(), st.sampled_from([1, 4, 16, 64]))
def test_a_bucket_is_the_crc32_of_the_id_in_text(payment_id, count):
    bucket = bucket_of(payment_id, count)

    assert bucket == crc32(str(payment_id).encode()) % count
    assert 0 <= bucket < count


def test_payments_spread_evenly_over_buckets():
    counts = Counter(bucket_of(new_id(), 4) for _ in range(8_000))

    assert all(1_800 < counts[bucket] < 2_200 for bucket in range(4))
