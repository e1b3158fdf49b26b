"""Refusals of payments."""

from core.errors import AppError


class InsufficientFunds(AppError):
    """The wallet does not hold enough."""

    code, status = "insufficient_funds", 402


class NoWallet(AppError):
    """The user has no wallet in this currency."""

    code, status = "no_wallet", 402


class DayNotOpen(Exception):
    """A past day was to be booked into without an open import batch that covers it."""


class BatchNotRecorded(Exception):
    """An import batch cannot be closed before Cassandra has acknowledged all of its events."""
