"""`manage.py staff add|remove EMAIL`: who may deposit, capture, refund, ship and see every payment."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from core.accounts.models import User

ACTIONS = {"add": True, "remove": False}


class Command(BaseCommand):
    help = "Make a registered user staff, or take that away again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", choices=sorted(ACTIONS))
        parser.add_argument("email")

    def handle(self, *args: Any, **options: Any) -> None:
        email = options["email"].strip().lower()
        if not User.objects.filter(email=email).update(is_staff=ACTIONS[options["action"]]):
            raise CommandError(f"nobody is registered as {email}: register the address first")
        self.stdout.write(f"{email} is {'' if ACTIONS[options['action']] else 'no longer '}staff")
