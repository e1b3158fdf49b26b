"""`manage.py ledger` as tests run it: in this process, or as a process of its own."""

import os
import subprocess
import sys
from io import StringIO
from pathlib import Path

from django.core.management import call_command

PROJECT = Path(__file__).resolve().parents[1]


def ledger(*arguments: object) -> tuple[int, str]:
    """(exit code, standard output) of the command, in this process. Raises CommandError as the command does."""
    output, code = StringIO(), 0
    try:
        call_command("ledger", *map(str, arguments), stdout=output)
    except SystemExit as end:
        code = int(end.code or 0)
    return code, output.getvalue()


def printed_by_ledger(*arguments: object) -> str:
    """What the command prints; it must exit 0."""
    code, output = ledger(*arguments)
    assert code == 0, output
    return output


def at_the_command_line(*arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
    """As a process of its own, in this environment with these changes."""
    return subprocess.run(
        [sys.executable, "manage.py", "ledger", *arguments],
        cwd=PROJECT,
        env={**os.environ, "LOG_LEVEL": "ERROR", **changes},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
