"""What `manage.py ledger` can do, one module an action. A new action is a module here and a line in ACTIONS."""

from types import ModuleType

from payments_ledger.management.actions import (
    ask,
    audit_chain,
    backfill,
    balances,
    calendar,
    completeness,
    export,
    migrate,
    query,
    rebuild,
    repair,
    replay,
    report,
    seal,
    settle,
    totals,
    verify,
    wait,
)

# Name on the command line → module. Each has HELP, `add_arguments(parser)` and `run(options, console) -> exit code`.
ACTIONS: dict[str, ModuleType] = {
    "migrate": migrate,
    "verify": verify,
    "repair": repair,
    "rebuild": rebuild,
    "replay": replay,
    "backfill": backfill,
    "report": report,
    "wait": wait,
    "seal": seal,
    "settle": settle,
    "audit-chain": audit_chain,
    "calendar": calendar,
    "totals": totals,
    "balances": balances,
    "completeness": completeness,
    "export": export,
    "ask": ask,
    "query": query,
}
