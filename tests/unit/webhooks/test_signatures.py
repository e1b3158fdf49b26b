"""The signature scheme, against vectors made by another implementation and against everything that must not pass."""

import json

import pytest

from core.webhooks.domain.signatures import SignatureRefused, sign, verify

NOW = 1_766_325_750
BODY = b'{"id": "evt_1", "amount_minor": 10}'
# printf '%s' "1766325750.$BODY" | openssl dgst -sha256 -hmac whsec_first
BY_OPENSSL = "c1bdb2d483e2363237cef575af531a5ce1d1b4ec8eeb6a9588361245ba691603"
SECRETS = ["whsec_first", "whsec_second"]


def refused(body: bytes, header: str, secrets: list[str] = SECRETS, now: int = NOW) -> str:
    with pytest.raises(SignatureRefused) as caught:
        verify(body, header=header, secrets=secrets, now=now)
    return str(caught.value)


def test_the_digest_is_the_one_another_implementation_makes():
    assert sign(BODY, secrets=["whsec_first"], timestamp=NOW) == f"t={NOW},v1={BY_OPENSSL}"


@pytest.mark.parametrize("secret", SECRETS)
def test_either_of_two_active_secrets_passes(secret):
    verify(BODY, header=sign(BODY, secrets=[secret], timestamp=NOW), secrets=SECRETS, now=NOW)


def test_a_sender_that_signs_with_both_secrets_passes_at_a_receiver_that_has_only_the_second():
    header = sign(BODY, secrets=SECRETS, timestamp=NOW)

    assert header.count("v1=") == 2
    verify(BODY, header=header, secrets=["whsec_second"], now=NOW)


def test_a_wrong_secret_is_refused():
    assert "no signature" in refused(BODY, sign(BODY, secrets=["whsec_third"], timestamp=NOW))


@pytest.mark.parametrize("secrets", [[], [""]])
def test_without_a_secret_nothing_passes(secrets):
    assert "no signature" in refused(BODY, sign(BODY, secrets=[""], timestamp=NOW), secrets)


def test_json_that_was_read_and_written_again_is_refused():
    rewritten = json.dumps(json.loads(BODY), separators=(",", ":")).encode()
    assert json.loads(rewritten) == json.loads(BODY)

    assert "no signature" in refused(rewritten, sign(BODY, secrets=SECRETS, timestamp=NOW))


@pytest.mark.parametrize("age_seconds", [300, 0, -300])
def test_a_time_within_five_minutes_passes(age_seconds):
    header = sign(BODY, secrets=SECRETS, timestamp=NOW - age_seconds)

    verify(BODY, header=header, secrets=SECRETS, now=NOW)


@pytest.mark.parametrize("age_seconds", [301, -301, 86_400])
def test_an_older_or_later_time_is_refused(age_seconds):
    header = sign(BODY, secrets=SECRETS, timestamp=NOW - age_seconds)

    assert "more than 300 s" in refused(BODY, header)


def test_a_new_time_before_an_old_signature_is_refused():
    old = sign(BODY, secrets=SECRETS, timestamp=NOW - 400)

    assert "no signature" in refused(BODY, old.replace(f"t={NOW - 400}", f"t={NOW}"))


V1 = "0" * 64


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("", "missing"),
        (f"v1={V1}", "exactly one time"),
        (f"t={NOW},t={NOW},v1={V1}", "exactly one time"),
        (f"t=,v1={V1}", "exactly one time"),
        (f"t=-1,v1={V1}", "exactly one time"),
        (f"t=1e9,v1={V1}", "exactly one time"),
        (f"t=١٢٣,v1={V1}", "exactly one time"),
        (f"t={'9' * 13},v1={V1}", "exactly one time"),
        (f"t={NOW}", "no v1="),
        (f"t={NOW},v1=", "no v1="),
        (f"t={NOW},v1={'G' * 64}", "no v1="),
        (f"t={NOW},v0={V1}", "no v1="),
        (f"t={NOW},v1={V1}," + "v0=x," * 300, "too long"),
    ],
)
def test_a_malformed_header_is_refused(header, reason):
    assert reason in refused(BODY, header)


def test_signatures_of_other_versions_and_blanks_between_them_do_no_harm():
    _, v1 = sign(BODY, secrets=SECRETS[:1], timestamp=NOW).split(",")

    verify(BODY, header=f"v0=abc, {v1} , t={NOW}", secrets=SECRETS, now=NOW)
