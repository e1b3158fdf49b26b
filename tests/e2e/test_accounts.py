"""Registering, the profile and the password. Signing in and tokens: test_tokens.py."""

import uuid

import httpx
import pytest

from core.accounts.models import User
from tests.accounts import API, PASSWORD, Account, register


def test_a_new_account_can_sign_in_and_see_itself():
    email = f"{uuid.uuid4().hex}@example.org"

    created = register(email)
    tokens = httpx.post(f"{API}/tokens", json={"email": email, "password": PASSWORD}).json()
    me = httpx.get(f"{API}/accounts/me", headers={"Authorization": f"Bearer {tokens['access']}"})

    assert created.status_code == 201
    assert "password" not in created.json()
    assert me.json() == created.json()
    assert uuid.UUID(me.json()["id"]).version == 7


def test_an_address_signs_in_as_it_was_typed_at_registration():
    typed = f"Ann.{uuid.uuid4().hex}@Example.org"
    register(typed)

    answers = [
        httpx.post(f"{API}/tokens", json={"email": email, "password": PASSWORD}) for email in (typed, typed.lower())
    ]

    assert [answer.status_code for answer in answers] == [200, 200]


def test_an_address_is_registered_once_whatever_its_case():
    email = f"{uuid.uuid4().hex}@example.org"
    register(email)

    again = register(email.upper())

    assert (again.status_code, again.json()["code"]) == (409, "email_taken")


@pytest.mark.parametrize(
    ("email", "password", "code"),
    [
        ("guest-x@imported.invalid", PASSWORD, "email_reserved"),
        ("not an address", PASSWORD, "invalid"),
        ("someone@example.org", "short", "invalid"),
        ("someone@example.org", "password123", "invalid"),
    ],
)
def test_what_cannot_be_registered_is_refused_with_its_reason(email, password, code):
    answer = register(email, password)

    assert (answer.status_code, answer.json()["code"]) == (400, code)


def test_of_a_profile_only_the_country_changes():
    account = Account()
    before = account.me().json()

    answer = account.patch_me({"country": "Iceland", "email": "other@example.org", "is_staff": True, "id": "1"})

    assert (answer.status_code, answer.json()) == (200, {**before, "country": "Iceland"})
    assert account.me().json() == answer.json()
    assert User.objects.get(email=account.email).is_staff is False


@pytest.mark.parametrize("country", ["x" * 65, None, 7, ["Iceland"]])
def test_a_country_that_is_no_short_text_is_refused_and_nothing_changes(country):
    account = Account()
    before = account.me().json()

    answer = account.patch_me({"country": country})

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert [error["attr"] for error in answer.json()["errors"]] == ["country"]
    assert account.me().json() == before


def test_a_changed_password_withdraws_every_token_and_the_answer_has_a_new_pair():
    account = Account()
    elsewhere = account.sign_in().json()

    answer = account.change_password(PASSWORD, "another horse battery")

    assert answer.status_code == 200
    old_access, old_refresh = account.me(), account.refresh()
    assert (old_access.status_code, old_access.json()["code"]) == (401, "not_authenticated")
    assert (old_refresh.status_code, old_refresh.json()["code"]) == (401, "refresh_token_refused")
    assert account.refresh(elsewhere["refresh"]).status_code == 401
    assert account.me(answer.json()["access"]).status_code == 200
    assert account.refresh(answer.json()["refresh"]).status_code == 200
    assert account.sign_in(PASSWORD).status_code == 401
    assert account.sign_in("another horse battery").status_code == 200


@pytest.mark.parametrize(
    ("old", "new", "status", "code"),
    [
        ("not the password", "another horse battery", 403, "wrong_password"),
        (PASSWORD, "short", 400, "invalid"),
        (PASSWORD, "password123", 400, "invalid"),
        (PASSWORD, "x" * 129, 400, "invalid"),
    ],
)
def test_a_refused_change_of_password_changes_nothing(old, new, status, code):
    account = Account()

    answer = account.change_password(old, new)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert account.me().status_code == 200
    assert account.sign_in().status_code == 200
