"""What `manage.py ledger` can do, one module an action. A new action is a module here and a line in ACTIONS."""

from types import ModuleType

from payments_ledger.management.actions import migrate, replay, report, verify, wait

# Name on the command line → module. Each has HELP, `add_arguments(parser)` and `run(options, console) -> exit code`.
ACTIONS: dict[str, ModuleType] = {
    "migrate": migrate,
    "verify": verify,
    "replay": replay,
    "report": report,
    "wait": wait,
}
