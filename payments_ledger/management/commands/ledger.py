"""`manage.py ledger …`: what can be done with the ledger, listed in payments_ledger.management.actions.

Exit codes: 0 done, and the stores agree · 1 they differ (each difference named), or not recorded in time ·
2 bad input, or a store that cannot be reached; there is no verdict then.
"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error as DatabaseError

from core.errors import AppError
from payments_ledger.errors import LedgerUnavailable
from payments_ledger.management.actions import ACTIONS
from payments_ledger.management.actions.console import NO_VERDICT, Console


class Command(BaseCommand):
    help = f"The payments ledger in Cassandra: {', '.join(ACTIONS)}."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        for name, action in ACTIONS.items():
            action.add_arguments(actions.add_parser(name, help=action.HELP, description=action.__doc__))

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            code = ACTIONS[options["action"]].run(options, Console(out=self.stdout))
        except LedgerUnavailable as error:
            raise CommandError(f"Cassandra cannot be reached: {error.detail}", returncode=NO_VERDICT) from error
        except AppError as error:
            raise CommandError(error.detail, returncode=NO_VERDICT) from error
        except DatabaseError as error:
            reason = " ".join(str(error).split())
            raise CommandError(f"PostgreSQL cannot be reached or refuses: {reason}", returncode=NO_VERDICT) from error
        if code:
            raise SystemExit(code)
