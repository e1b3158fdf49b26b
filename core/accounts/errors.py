"""Refusals of accounts."""

from core.errors import AppError, Conflict


class EmailTaken(Conflict):
    """There is already an account with this e-mail address."""

    code = "email_taken"


class EmailReserved(AppError):
    """This e-mail address cannot be registered."""

    code = "email_reserved"


class NoActiveAccount(AppError):
    """Signing in failed: wrong password, unknown address, or an account that cannot sign in."""

    code, status = "no_active_account", 401


class RefreshTokenRefused(AppError):
    """This refresh token has expired, was used or withdrawn, or is not one of ours."""

    code, status = "refresh_token_refused", 401


class WrongPassword(AppError):
    """The present password is another one."""

    code, status = "wrong_password", 403


class TooManyAttempts(AppError):
    """Too many wrong passwords for this account from this address; wait."""

    code, status, retryable = "too_many_attempts", 429, True
