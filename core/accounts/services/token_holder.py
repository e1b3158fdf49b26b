"""Whoever holds a token, before their account has been looked at; and the look itself."""

from dataclasses import dataclass
from uuid import UUID

from rest_framework_simplejwt.exceptions import AuthenticationFailed
from rest_framework_simplejwt.utils import get_md5_hash_password

# What `require_account` needs to know; for a statement that looks at the account among other things.
ACCOUNT = "SELECT is_active, password FROM accounts_user WHERE id = %(user_id)s"


@dataclass(frozen=True, slots=True)
class TokenHolder:
    """Holds a token of ours that has not expired. Their account may be closed or its password changed since.

    Not a User on purpose: whatever asks for the caller refuses it until the account has been looked at.
    """

    id: UUID
    password_digest: str | None

    is_authenticated = True

    @property
    def pk(self) -> UUID:
        return self.id

    def require_account(self, is_active: bool | None, password: str | None) -> None:
        """Refuse a token whose account is gone or closed, or whose password was changed, by the row of ACCOUNT.

        Raises AuthenticationFailed, the same that any other endpoint answers.
        """
        if password is None:
            raise AuthenticationFailed("User not found", code="user_not_found")
        if not is_active:
            raise AuthenticationFailed("User is inactive", code="user_inactive")
        if self.password_digest != get_md5_hash_password(password):
            raise AuthenticationFailed("The user's password has been changed.", code="password_changed")
