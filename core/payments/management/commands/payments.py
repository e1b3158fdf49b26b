"""`manage.py payments needs_attention`: what a person must look at.

Exit code 0 when there is nothing, 1 when there is: fit for a monitor.
"""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from core.payments.models import PaymentOperation
from core.payments.selectors.operations import needing_attention


class Command(BaseCommand):
    help = "List operations at providers that a person must look at; exit code 1 when there are any."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        listing = actions.add_parser("needs_attention", help="operations with a problem nobody else will solve")
        listing.add_argument("--json", action="store_true", help="one JSON object a line")

    def handle(self, *args: Any, **options: Any) -> None:
        operations = list(needing_attention())
        for operation in operations:
            facts = _facts(operation)
            if options["json"]:
                self.stdout.write(json.dumps(facts))
            else:
                self.stdout.write(
                    "{attention_at}  {attention}: {kind} {id} of {amount_minor} {currency}, payment {payment_id}, "
                    "order {order_id}, {attempts} attempts, {queries} queries {decline_code}".format(**facts)
                )
        if operations:
            raise SystemExit(1)
        self.stderr.write("nothing needs attention")


def _facts(operation: PaymentOperation) -> dict[str, Any]:
    assert operation.attention_at is not None
    return {
        "attention": operation.attention,
        "attention_at": operation.attention_at.isoformat(timespec="seconds"),
        "id": str(operation.id),
        "kind": operation.kind,
        "amount_minor": operation.amount_minor,
        "currency": operation.currency,
        "payment_id": str(operation.payment_id),
        "order_id": str(operation.payment.order_id),
        "attempts": operation.attempts,
        "queries": operation.queries,
        "decline_code": operation.decline_code,
    }
