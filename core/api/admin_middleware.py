"""Sessions, their users and their messages: for the admin alone, because the API knows tokens and no cookies."""

from django.contrib.auth import middleware as auth
from django.contrib.messages import middleware as messages
from django.contrib.sessions import middleware as sessions
from django.http import HttpRequest, HttpResponseBase

PREFIX = "/admin/"


class _AdminOnly:
    """Steps aside for every request outside the admin."""

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info.startswith(PREFIX):
            return super().__call__(request)  # type: ignore[misc, no-any-return]
        return self.get_response(request)  # type: ignore[attr-defined, no-any-return]


class SessionMiddleware(_AdminOnly, sessions.SessionMiddleware):
    """Of the admin's requests."""


class AuthenticationMiddleware(_AdminOnly, auth.AuthenticationMiddleware):
    """Of the admin's requests."""


class MessageMiddleware(_AdminOnly, messages.MessageMiddleware):
    """Of the admin's requests."""
