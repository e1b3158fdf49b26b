"""What signing in does on the server: hashing in every case, and windows of attempts."""

import time
import uuid

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.test import override_settings
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken

from core.accounts.errors import NoActiveAccount, TooManyAttempts
from core.accounts.models import User
from core.accounts.services import attempts, tokens
from core.accounts.services.attempts import LocalWindows
from core.accounts.services.registration import register
from core.clock import now


class CountingHasher(Argon2PasswordHasher):
    """Argon2 that counts how often it hashed."""

    hashed = 0

    def encode(self, password: str, salt: str) -> str:
        type(self).hashed += 1
        return super().encode(password, salt)

    def verify(self, password: str, encoded: str) -> bool:
        type(self).hashed += 1
        return super().verify(password, encoded)


def new_email() -> str:
    return f"{uuid.uuid4().hex}@example.org"


def cannot_sign_in(email: str) -> int:
    """How many hashes a refused attempt cost."""
    before = CountingHasher.hashed
    with pytest.raises(NoActiveAccount):
        tokens.sign_in(email=email, password="wrong", address="192.0.2.1")
    return CountingHasher.hashed - before


def test_every_refused_attempt_hashes_once():
    with override_settings(PASSWORD_HASHERS=[f"{__name__}.{CountingHasher.__qualname__}"]):
        known = register(email=new_email(), password="correct horse battery").email
        inactive = register(email=new_email(), password="correct horse battery").email
        User.objects.filter(email=inactive).update(is_active=False)
        guest = User.objects.create_user(new_email()).email

        hashes = [cannot_sign_in(email) for email in (known, inactive, guest, new_email())]

    assert hashes == [1, 1, 1, 1]


def test_attempts_are_forgotten_when_the_window_ends():
    email = new_email()
    with override_settings(SIGN_IN_WINDOW_SECONDS=2, SIGN_IN_ATTEMPTS_MAX=2):
        attempts.count_attempt(address="192.0.2.1", email=email)
        attempts.count_attempt(address="192.0.2.1", email=email.upper())
        with pytest.raises(TooManyAttempts) as refusal:
            attempts.count_attempt(address="192.0.2.1", email=email)
        attempts.count_attempt(address="192.0.2.2", email=email)

        time.sleep(2.1)

        attempts.count_attempt(address="192.0.2.1", email=email)
    assert refusal.value.wait_seconds in (1, 2)


def test_windows_in_a_process_count_end_and_are_bounded():
    windows = LocalWindows(keys_max=2)

    assert [windows.add("a", window_seconds=60)[0] for _ in range(3)] == [1, 2, 3]
    assert windows.add("b", window_seconds=0) == (1, 1)
    assert windows.add("b", window_seconds=0) == (1, 1)
    windows.add("c", window_seconds=60)
    assert windows.add("a", window_seconds=60)[0] == 1  # "a" was the oldest of three
    windows.forget("a")
    assert windows.add("a", window_seconds=60)[0] == 1


def test_expired_tokens_are_forgotten_and_living_ones_are_not():
    user = register(email=new_email(), password="correct horse battery")
    expired, used_and_expired, living = (tokens.pair_for(user).refresh for _ in range(3))
    tokens.revoke(refresh=used_and_expired)
    OutstandingToken.objects.filter(token__in=[expired, used_and_expired]).update(expires_at=now())

    tokens.forget_expired()

    assert list(OutstandingToken.objects.filter(user=user).values_list("token", flat=True)) == [living]
    assert tokens.rotate(refresh=living).refresh
