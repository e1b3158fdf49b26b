"""Staff are made by a command, never through the API."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tests.storefront import Storefront


def test_a_registered_user_becomes_staff_and_ceases_to_be():
    user = Storefront().user
    output = StringIO()

    call_command("staff", "add", user.email.upper(), stdout=output)
    user.refresh_from_db()
    was_staff = user.is_staff
    call_command("staff", "remove", user.email, stdout=output)

    user.refresh_from_db()
    assert (was_staff, user.is_staff) == (True, False)
    assert output.getvalue().splitlines() == [f"{user.email} is staff", f"{user.email} is no longer staff"]


def test_an_address_nobody_has_is_named():
    with pytest.raises(CommandError, match=r"nobody is registered as nobody@example\.org"):
        call_command("staff", "add", "nobody@example.org")
