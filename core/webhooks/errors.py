"""Refusals of webhooks."""

from core.errors import AppError, Conflict


class UnknownProvider(AppError):
    """No provider of this name sends webhooks here."""

    code, status = "unknown_provider", 404


class SignatureInvalid(AppError):
    """The webhook is not signed by the provider, or was signed too long ago."""

    code, status = "signature_invalid", 401


class EventUnusable(AppError):
    """The event is signed and does not say what an event of its type must say."""

    code = "event_unusable"


class EndpointUrlRefused(AppError):
    """No webhook may be sent to this URL."""

    code = "endpoint_url_refused"


class DeliveryCanceled(Conflict):
    """The delivery's endpoint was deleted; nothing is sent there any more."""

    code = "delivery_canceled"
