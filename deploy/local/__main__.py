"""Command line of the local stack: python -m deploy.local COMMAND [--stack test]."""

from __future__ import annotations

import argparse
import os
import sys

from deploy.local.layout import Layout, StackError, layout_of
from deploy.local.programs import PROGRAMS

COMMANDS = {
    "up": "start what does not run; return when everything answers",
    "down": "stop everything the stack started",
    "stop": "stop one program; it stays stopped until it is started",
    "start": "start one program and wait until it answers",
    "status": "show every program",
    "logs": "show the end of a program's log and follow it",
    "test": "run pytest on the test stack; further arguments go to pytest",
    "failover": "promote the PostgreSQL standby",
    "check": "run every static check",
    "cqlsh": "open cqlsh on the ledger; further arguments go to cqlsh",
    "spark": "install Spark; further arguments are a job for it",
    "database": "create a database with the app's grants",
}

# What follows these commands belongs to another program.
PASSED_ON = ("test", "cqlsh", "spark")


def parser() -> argparse.ArgumentParser:
    arguments = argparse.ArgumentParser(prog="python -m deploy.local", description=__doc__)
    commands = arguments.add_subparsers(dest="command", required=True)
    for name, text in COMMANDS.items():
        command = commands.add_parser(name, help=text, add_help=name not in PASSED_ON)
        command.add_argument("--stack", choices=("dev", "test"), default="test" if name == "test" else "dev")
    commands.choices["up"].add_argument("--servers-only", action="store_true", help="without the app's processes")
    commands.choices["logs"].add_argument("program", nargs="?")
    for name in ("stop", "start"):
        commands.choices[name].add_argument("program", choices=PROGRAMS)
    commands.choices["database"].add_argument("name")
    return arguments


def main(argv: list[str]) -> int:
    # These pass their arguments on untouched; every other command refuses what it does not know.
    options, others = parser().parse_known_args(argv)
    if others and options.command not in PASSED_ON:
        parser().error(f"unknown arguments: {' '.join(others)}")
    return run(options, layout_of(options.stack), others)


def run(options: argparse.Namespace, layout: Layout, others: list[str]) -> int:
    """Carry out one command and return its exit code."""
    # Imported here, so that a check or a status does not load what only a start needs.
    from deploy.local import checks, control, cqlsh, failover, lifecycle, spark, status, testing

    match options.command:
        case "up":
            lifecycle.bring_up(layout, servers_only=options.servers_only)
        case "down":
            lifecycle.bring_down(layout)
        case "stop":
            control.Stack(layout).stop(options.program)
        case "start":
            control.Stack(layout).start(options.program)
        case "status":
            return status.show_status(layout)
        case "logs":
            return status.follow_log(layout, options.program)
        case "test":
            return testing.run_tests(layout, others)
        case "failover":
            failover.promote_standby(layout)
        case "check":
            return checks.run_checks()
        case "spark":
            spark.open_spark(layout, others)
        case "cqlsh":
            cqlsh.open_cqlsh(layout, others)
        case "database":
            create_database(layout, options.name)
    return 0


def create_database(layout: Layout, name: str) -> None:
    """An empty database on the stack's primary, owned by the owner role, for experiments."""
    from deploy.local.postgres import node_of
    from deploy.local.postgres_roles import ensure_database

    ensure_database(node_of(layout, "primary"), name)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except StackError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # The reader of our output has seen enough: `make status | head`.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
