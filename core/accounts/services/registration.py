"""Makes users."""

from django.db import IntegrityError, transaction

from core.accounts.errors import EmailReserved, EmailTaken
from core.accounts.models import User

# No mail can be delivered there (RFC 2606), and imports give their customers addresses in it.
RESERVED_DOMAIN = ".invalid"


def register(*, email: str, password: str, country: str = "") -> User:
    """A new user who can sign in. Addresses are compared without case.

    Raises EmailTaken, or EmailReserved for an address that only an import may give.
    """
    email = email.strip().lower()
    if email.endswith(RESERVED_DOMAIN):
        raise EmailReserved(f"{email} is not an address mail can reach: use another one.")
    try:
        with transaction.atomic():
            return User.objects.create_user(email, password, country=country)
    except IntegrityError:
        raise EmailTaken(f"{email} has an account: sign in, or use another address.") from None
