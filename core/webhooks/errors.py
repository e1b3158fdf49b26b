"""Refusals of webhooks."""

from core.errors import AppError


class UnknownProvider(AppError):
    """No provider of this name sends webhooks here."""

    code, status = "unknown_provider", 404


class SignatureInvalid(AppError):
    """The webhook is not signed by the provider, or was signed too long ago."""

    code, status = "signature_invalid", 401


class EventUnusable(AppError):
    """The event is signed and does not say what an event of its type must say."""

    code = "event_unusable"
