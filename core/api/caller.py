"""Who is asking."""

from uuid import UUID

from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from core.accounts.models import User


def caller(request: Request) -> User:
    """The signed-in user. Raises NotAuthenticated, for a view that was left open by mistake."""
    if not isinstance(request.user, User):
        raise NotAuthenticated
    return request.user


def caller_id(request: Request) -> UUID:
    return caller(request).id


def address_of(request: Request) -> str:
    """The client's network address. X-Forwarded-For counts only as far as TRUSTED_PROXIES proxies wrote it."""
    return str(BaseThrottle().get_ident(request))


def owner_or_any(request: Request) -> UUID | None:
    """Whose objects the caller may see: only their own, or (None) everybody's, for staff."""
    user = caller(request)
    return None if user.is_staff else user.id
