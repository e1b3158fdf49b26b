"""What signed-in users change about themselves."""

from uuid import UUID

from django.contrib.auth.hashers import make_password

from core.accounts.errors import WrongPassword
from core.accounts.models import User
from core.accounts.services import attempts


def change_country(*, user_id: UUID, country: str) -> User:
    """The user, with this country."""
    User.objects.filter(pk=user_id).update(country=country)
    return User.objects.get(pk=user_id)


def change_password(*, user_id: UUID, old_password: str, new_password: str, address: str) -> User:
    """Change the password, which withdraws every token there is: each carries a digest of the old hash.

    Raises WrongPassword, or TooManyAttempts, counted with the attempts to sign in.
    """
    user = User.objects.get(pk=user_id)
    attempt = attempts.count_attempt(address=address, email=user.email)
    if not user.check_password(old_password):
        raise WrongPassword("Send the present password as old_password.")
    attempts.forget(attempt)
    hashed = make_password(new_password)
    if not User.objects.filter(pk=user_id, password=user.password).update(password=hashed):
        # Changed elsewhere since it was read: the old password is no longer the present one.
        raise WrongPassword("The password was just changed; sign in again.")
    user.password = hashed
    return user
