"""Tokens: a pair at sign-in, a new pair for each refresh token, once; and their withdrawal.

Every token carries a digest of the stored password's hash, so a changed password withdraws all of them at once.
"""

from dataclasses import dataclass
from typing import Any, cast

from django.contrib.auth import authenticate
from django.db import transaction
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from rest_framework_simplejwt.tokens import RefreshToken
from rest_framework_simplejwt.utils import get_md5_hash_password

from core.accounts.errors import NoActiveAccount, RefreshTokenRefused
from core.accounts.models import User
from core.accounts.services import attempts
from core.clock import now


@dataclass(frozen=True, slots=True)
class TokenPair:
    access: str
    refresh: str


def sign_in(*, email: str, password: str, address: str) -> TokenPair:
    """A pair of tokens for the right password. `address` is where the request came from.

    Raises NoActiveAccount, the same and after the same work whether the account exists, or TooManyAttempts.
    """
    attempt = attempts.count_attempt(address=address, email=email)
    # For an unknown account Django hashes the password all the same, so that the time tells nothing.
    user = authenticate(email=email, password=password)
    if not isinstance(user, User):
        raise NoActiveAccount("There is no account with this e-mail address and password that can sign in.")
    attempts.forget(attempt)
    return pair_for(user)


def pair_for(user: User) -> TokenPair:
    """A new pair of tokens for this user."""
    refresh = RefreshToken.for_user(user)
    return TokenPair(access=str(refresh.access_token), refresh=str(refresh))


@transaction.atomic
def rotate(*, refresh: str) -> TokenPair:
    """A new pair for a refresh token, which is used up. Of several uses at once one succeeds.

    Raises RefreshTokenRefused.
    """
    token = _token(refresh)
    user = User.objects.filter(pk=token[api_settings.USER_ID_CLAIM], is_active=True).first()
    if user is None or token.get(api_settings.REVOKE_TOKEN_CLAIM) != get_md5_hash_password(user.password):
        raise _refusal()
    _use_up(token)
    return pair_for(user)


def revoke(*, refresh: str) -> None:
    """Sign out: the refresh token works no longer. Its access token still does, until it expires.

    Raises RefreshTokenRefused.
    """
    _use_up(_token(refresh))


def forget_expired() -> int:
    """Delete what is kept of refresh tokens that have expired, used or not, and return how many they were."""
    deleted, _ = OutstandingToken.objects.filter(expires_at__lt=now()).delete()
    return deleted


def _token(refresh: str) -> RefreshToken:
    """The token, if its signature, issuer, type and time are right and it is not on the list of used ones."""
    try:
        # Its annotation names another type; it takes the encoded text.
        return RefreshToken(cast(Any, refresh))
    except TokenError:
        raise _refusal() from None


def _use_up(token: RefreshToken) -> None:
    """Put the token on the list of used ones. Raises RefreshTokenRefused when somebody else just did."""
    given_out = OutstandingToken.objects.filter(jti=token[api_settings.JTI_CLAIM]).first()
    if given_out is None or not BlacklistedToken.objects.get_or_create(token=given_out)[1]:
        raise _refusal()


def _refusal() -> RefreshTokenRefused:
    return RefreshTokenRefused("Sign in again.")
