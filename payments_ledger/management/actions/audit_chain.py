"""`ledger audit-chain`: recompute the chain of seals from its three copies.

Exit codes: 0 all three agree and chain · 1 they do not (each place named) · 2 a copy cannot be read.
"""

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandError

from payments_ledger.management.actions.console import DIFFERS, DONE, NO_VERDICT, Console, add_json
from payments_ledger.seals.audit import audit_chain
from payments_ledger.seals.errors import SealingBusy

HELP = "recompute the chain of seals from Cassandra, PostgreSQL and the published file"


def add_arguments(parser: ArgumentParser) -> None:
    add_json(parser)


def run(options: Mapping[str, Any], console: Console) -> int:
    try:
        audit = audit_chain()
    except SealingBusy as error:
        raise CommandError(str(error), returncode=NO_VERDICT) from error
    except OSError as error:
        raise CommandError(f"the published file cannot be read: {error}", returncode=NO_VERDICT) from error
    if options["json"]:
        console.document(audit.as_json())
        return DONE if audit.agrees else DIFFERS
    for finding in audit.findings:
        console.line(finding.sentence())
    console.line(f"{audit.seals} seals, head {audit.head.hex() or 'none'}")
    console.line("the chain is whole" if audit.agrees else f"THE CHAIN IS BROKEN: {len(audit.findings)} findings")
    return DONE if audit.agrees else DIFFERS
