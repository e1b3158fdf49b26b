"""Whatever the body, only its own bytes, an active secret and a time near ours pass."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from core.webhooks.domain.signatures import TOLERANCE_SECONDS, SignatureRefused, sign, verify

bodies = st.binary(max_size=200)
secrets = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40)
times = st.integers(min_value=0, max_value=10**11)


@given(body=bodies, active=st.lists(secrets, min_size=1, max_size=2), now=times, data=st.data())
def test_what_was_signed_with_an_active_secret_passes(body, active, now, data):
    signer = data.draw(st.sampled_from(active))
    skew = data.draw(st.integers(-min(TOLERANCE_SECONDS, now), TOLERANCE_SECONDS))

    verify(body, header=sign(body, secrets=[signer], timestamp=now + skew), secrets=active, now=now)


@given(body=bodies, position=st.integers(0, 10_000), bit=st.integers(0, 7), now=times)
def test_one_changed_bit_of_the_body_is_refused(body, position, bit, now):
    assume(body)
    changed = bytearray(body)
    changed[position % len(body)] ^= 1 << bit

    with pytest.raises(SignatureRefused):
        verify(bytes(changed), header=sign(body, secrets=["s"], timestamp=now), secrets=["s"], now=now)


@given(body=bodies, signer=secrets, active=st.lists(secrets, max_size=2), now=times)
def test_a_secret_that_is_not_active_is_refused(body, signer, active, now):
    assume(signer not in active)

    with pytest.raises(SignatureRefused):
        verify(body, header=sign(body, secrets=[signer], timestamp=now), secrets=active, now=now)


@given(header=st.text(max_size=200))
def test_no_header_makes_it_fail_in_another_way(header):
    with pytest.raises(SignatureRefused):
        verify(b"{}", header=header, secrets=["s"], now=0)


@given(body=bodies, now=times, distance=st.integers(TOLERANCE_SECONDS + 1, 10**9), is_later=st.booleans())
def test_a_time_far_from_ours_is_refused(body, now, distance, is_later):
    timestamp = now + distance if is_later else now - distance
    assume(timestamp >= 0)

    with pytest.raises(SignatureRefused):
        verify(body, header=sign(body, secrets=["s"], timestamp=timestamp), secrets=["s"], now=now)
