"""Registering and signing in."""

import uuid

import httpx
import pytest

from core.env import env

API = f"{env.str('WEB_URL')}/api/v1"
PASSWORD = "correct horse battery"


def register(email: str, password: str = PASSWORD) -> httpx.Response:
    return httpx.post(f"{API}/accounts", json={"email": email, "password": password})


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


def test_a_refresh_token_works_once():
    email = f"{uuid.uuid4().hex}@example.org"
    register(email)
    tokens = httpx.post(f"{API}/tokens", json={"email": email, "password": PASSWORD}).json()

    first = httpx.post(f"{API}/tokens/refresh", json={"refresh": tokens["refresh"]})
    second = httpx.post(f"{API}/tokens/refresh", json={"refresh": tokens["refresh"]})

    assert first.status_code == 200
    assert (second.status_code, second.headers["Content-Type"]) == (401, "application/problem+json")


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
