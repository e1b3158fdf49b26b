"""Who is asking, for endpoints that look at the account themselves, in a statement they need anyway."""

from functools import lru_cache
from typing import Any, cast
from uuid import UUID

from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import InvalidToken, TokenError
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.tokens import Token

from core.accounts.models import User
from core.accounts.services.token_holder import TokenHolder
from core.clock import now

# A signature does not change: what was verified once is only asked for its time again.
TOKENS_KEPT_MAX = 10_000


@lru_cache(maxsize=TOKENS_KEPT_MAX)
def _verified(raw_token: bytes) -> Token:
    """The token, if we made it and it is valid now. Raises InvalidToken, and then nothing is kept."""
    return JWTAuthentication().get_validated_token(raw_token)


class TokenAuthentication(JWTAuthentication):
    """A token's signature, issuer and time, and no query: `request.user` is a TokenHolder, which is nobody yet.

    The endpoint must either pass it to a service that looks at the account, or call `look_at_account`; until then
    core.api.caller refuses. Reading the account later and not from a cache, a closed account or a changed password
    counts from the next request on.
    """

    def get_validated_token(self, raw_token: bytes) -> Token:
        token = _verified(bytes(raw_token))
        try:
            # By default a token compares with the moment in which it was read, which here may be long ago.
            token.check_exp(current_time=now())
        except TokenError:
            # Verified earlier and out of date by now: refused in the words of any other endpoint.
            return super().get_validated_token(raw_token)
        return token

    def get_user(self, validated_token: Token) -> Any:
        try:
            user_id = UUID(str(validated_token[api_settings.USER_ID_CLAIM]))
        except (KeyError, ValueError):
            raise InvalidToken("Token contained no recognizable user identification") from None
        return TokenHolder(user_id, validated_token.get(api_settings.REVOKE_TOKEN_CLAIM))


def holder_of(request: Request) -> TokenHolder:
    """Who holds the request's token. Raises NotAuthenticated for a view that does not authenticate by token alone."""
    holder: Any = request.user
    if not isinstance(holder, TokenHolder):
        raise NotAuthenticated
    return holder


def look_at_account(request: Request) -> None:
    """Make `request.user` the user. Raises AuthenticationFailed when the account no longer stands behind the token."""
    token: Any = request.auth
    request.user = cast(User, JWTAuthentication().get_user(token))
