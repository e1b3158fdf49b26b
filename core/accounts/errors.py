"""Refusals of accounts."""

from core.errors import AppError, Conflict


class EmailTaken(Conflict):
    """There is already an account with this e-mail address."""

    code = "email_taken"


class EmailReserved(AppError):
    """This e-mail address cannot be registered."""

    code = "email_reserved"
