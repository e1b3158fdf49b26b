"""Accounts for tests, through the real HTTP API."""

import uuid
from typing import Any

import httpx

from core.env import env

API = f"{env.str('WEB_URL')}/api/v1"
PASSWORD = "correct horse battery"


def register(email: str, password: str = PASSWORD) -> httpx.Response:
    return httpx.post(f"{API}/accounts", json={"email": email, "password": password})


def sign_in(email: str, password: str = PASSWORD, **headers: str) -> httpx.Response:
    return httpx.post(f"{API}/tokens", json={"email": email, "password": password}, headers=headers, timeout=30)


class Account:
    """A new account that has signed in once; its calls use the tokens of that time unless given others."""

    def __init__(self) -> None:
        self.email = f"{uuid.uuid4().hex}@example.org"
        assert register(self.email).status_code == 201
        self.tokens: dict[str, str] = self.sign_in().json()

    def sign_in(self, password: str = PASSWORD, **headers: str) -> httpx.Response:
        return sign_in(self.email, password, **headers)

    def me(self, access: str | None = None) -> httpx.Response:
        return httpx.get(f"{API}/accounts/me", headers=self._bearer(access))

    def patch_me(self, body: dict[str, Any]) -> httpx.Response:
        return httpx.patch(f"{API}/accounts/me", json=body, headers=self._bearer())

    def change_password(self, old: str, new: str) -> httpx.Response:
        body = {"old_password": old, "new_password": new}
        return httpx.post(f"{API}/accounts/me/password", json=body, headers=self._bearer())

    def refresh(self, token: str | None = None) -> httpx.Response:
        return httpx.post(f"{API}/tokens/refresh", json={"refresh": token or self.tokens["refresh"]})

    def revoke(self, token: str | None = None) -> httpx.Response:
        return httpx.post(f"{API}/tokens/revoke", json={"refresh": token or self.tokens["refresh"]})

    def _bearer(self, access: str | None = None) -> dict[str, str]:
        return {"Authorization": f"Bearer {access or self.tokens['access']}"}
