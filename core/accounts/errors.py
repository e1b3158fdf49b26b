"""Refusals of accounts."""

from core.errors import Conflict


class EmailTaken(Conflict):
    """There is already an account with this e-mail address."""

    code = "email_taken"
