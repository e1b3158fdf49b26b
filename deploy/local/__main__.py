"""Command line of the local stack: python -m deploy.local up | down | status | logs | test | failover | …"""

from __future__ import annotations

import argparse
import sys

from deploy.local import lifecycle
from deploy.local.layout import StackError, layout_of


def parser() -> argparse.ArgumentParser:
    arguments = argparse.ArgumentParser(prog="python -m deploy.local", description=__doc__)
    commands = arguments.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="start what does not run; return when everything answers")
    up.add_argument("--servers-only", action="store_true", help="the servers without the app's processes")
    commands.add_parser("down", help="stop everything the stack started")
    for command in commands.choices.values():
        command.add_argument("--stack", choices=("dev", "test"), default="dev")
    return arguments


def main(argv: list[str] | None = None) -> int:
    options = parser().parse_args(argv)
    layout = layout_of(options.stack)
    if options.command == "up":
        lifecycle.bring_up(layout, servers_only=options.servers_only)
    elif options.command == "down":
        lifecycle.bring_down(layout)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except StackError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
