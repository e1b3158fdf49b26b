"""Signing in and out: which tokens open the door, which do not, and how often a password may be guessed."""

import statistics
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from django.conf import settings

from tests.accounts import Account, sign_in


def test_a_refresh_token_works_once():
    account = Account()

    first, second = account.refresh(), account.refresh()

    assert first.status_code == 200
    assert account.me(first.json()["access"]).status_code == 200
    assert (second.status_code, second.json()["code"]) == (401, "refresh_token_refused")
    assert second.headers["Content-Type"] == "application/problem+json"
    assert second.headers["WWW-Authenticate"] == "Bearer"
    assert account.refresh(first.json()["refresh"]).status_code == 200


def test_of_many_uses_of_a_refresh_token_at_once_one_succeeds():
    account = Account()

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda _: account.refresh().status_code, range(8)))

    assert sorted(statuses) == [200, 401, 401, 401, 401, 401, 401, 401]


def test_signing_out_ends_the_refresh_token():
    account = Account()

    answer = account.revoke()

    assert (answer.status_code, answer.content) == (204, b"")
    assert account.refresh().status_code == 401
    assert account.revoke().status_code == 401


def forged(
    claims: dict, *, key: str | None = None, algorithm: str = "HS256", issuer: str | None = "countinghouse"
) -> str:
    """A token of our form with some claims changed, signed by `key`."""
    now = datetime.now(UTC)
    body = {
        "token_type": "access",
        "exp": now + timedelta(minutes=5),
        "iat": now,
        "jti": uuid.uuid4().hex,
        **({"iss": issuer} if issuer else {}),
        **claims,
    }
    return jwt.encode(body, key if key is not None else settings.SECRET_KEY, algorithm=algorithm)


def claims_of(token: str) -> dict:
    decoded = jwt.decode(token, options={"verify_signature": False})
    return {name: decoded[name] for name in ("user_id", "hash_password")}


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
def test_only_a_token_we_made_for_this_use_opens_the_door():
    account = Account()
    ours = claims_of(account.tokens["access"])
    past = datetime.now(UTC) - timedelta(minutes=5)
    head, body, signature = account.tokens["access"].split(".")

    refused = {
        "refresh as access": account.tokens["refresh"],
        "no algorithm": forged(ours, key="", algorithm="none"),
        "another key": forged(ours, key="another key of sufficient length"),
        "another algorithm": forged(ours, algorithm="HS384"),
        "expired": forged({**ours, "exp": past}),
        "another issuer": forged(ours, issuer="elsewhere"),
        "no issuer": forged(ours, issuer=None),
        "no type": forged({**ours, "token_type": None}),
        "an unknown user": forged({**ours, "user_id": str(uuid.uuid4())}),
        "another password": forged({**ours, "hash_password": "0" * 32}),
        "no signature": f"{head}.{body}.",
        "another body": f"{head}.{forged(ours).split('.')[1]}.{signature}",
        "not a token": "x",
    }

    answers = {name: account.me(token) for name, token in refused.items()}
    assert {name: answer.status_code for name, answer in answers.items()} == dict.fromkeys(refused, 401)
    assert {answer.json()["code"] for answer in answers.values()} <= {"not_authenticated", "user_not_found"}
    assert account.me(forged(ours)).status_code == 200
    assert account.refresh(account.tokens["access"]).status_code == 401


def test_an_unknown_address_and_a_wrong_password_get_the_same_answer_after_the_same_time():
    account = Account()

    def timed(email: str) -> tuple[float, tuple]:
        started = time.perf_counter()
        answer = sign_in(email, "wrong")
        document = answer.json()
        seen = (answer.status_code, document["code"], document["title"], document["detail"], *sorted(document))
        return time.perf_counter() - started, seen

    pairs = [(timed(account.email), timed(f"{uuid.uuid4().hex}@example.org")) for _ in range(7)]
    known, unknown = zip(*pairs, strict=True)

    assert {seen for _, seen in known} == {seen for _, seen in unknown}
    medians = [statistics.median(seconds for seconds, _ in group) for group in (known, unknown)]
    # Hashing is nearly all of the time; without it the unknown address would answer several times sooner.
    assert max(medians) < 1.5 * min(medians)


@pytest.mark.parametrize("at_once", [1, 8])
def test_the_eleventh_wrong_password_is_told_to_wait_whatever_address_it_claims(at_once):
    account = Account()
    spoofs = [{"X-Forwarded-For": f"198.51.100.{number}"} for number in range(14)]

    with ThreadPoolExecutor(at_once) as pool:
        answers = list(pool.map(lambda spoof: account.sign_in("wrong", **spoof), spoofs))

    statuses = [answer.status_code for answer in answers]
    # Exact at any concurrency: an attempt is counted before its password is looked at.
    assert sorted(statuses) == [401] * 10 + [429] * 4
    limited = answers[statuses.index(429)]
    assert limited.headers["Content-Type"] == "application/problem+json"
    assert (limited.json()["code"], limited.json()["retryable"]) == ("too_many_attempts", True)
    assert 1 <= int(limited.headers["Retry-After"]) <= settings.SIGN_IN_WINDOW_SECONDS
    assert account.sign_in().status_code == 429
    assert account.change_password("wrong", "another horse battery").status_code == 429
    assert Account().sign_in().status_code == 200


def test_a_right_password_forgets_the_wrong_ones_before_it():
    account = Account()
    for _ in range(9):
        account.sign_in("wrong")

    assert account.sign_in().status_code == 200
    assert account.sign_in("wrong").status_code == 401
    assert account.sign_in().status_code == 200
