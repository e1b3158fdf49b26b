"""Makes users."""

from django.db import IntegrityError, transaction

from core.accounts.errors import EmailTaken
from core.accounts.models import User


def register(*, email: str, password: str, country: str = "") -> User:
    """A new user who can sign in. Raises EmailTaken; addresses are compared without case."""
    email = email.strip().lower()
    try:
        with transaction.atomic():
            return User.objects.create_user(email, password, country=country)
    except IntegrityError:
        raise EmailTaken(f"{email} has an account: sign in, or use another address.") from None
