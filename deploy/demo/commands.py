"""Commands of manage.py as an operator would type them: shown, run, and judged by their exit code."""

from django.core.management import call_command
from django.core.management.base import CommandError


class Failed(Exception):
    """A command did not end as it should."""


def run(*words: str) -> None:
    """Run it; raises Failed unless it exits 0."""
    runs_as(0, *words)


def runs_as(exit_code: int, *words: str) -> None:
    """Run it; raises Failed unless it exits with this code."""
    print(f"\n$ manage.py {' '.join(words)}", flush=True)
    found = _exit_code_of(words)
    if found != exit_code:
        raise Failed(f"manage.py {' '.join(words)} exited with {found}, not with {exit_code}")


def _exit_code_of(words: tuple[str, ...]) -> int:
    try:
        call_command(*words)
    except CommandError as error:
        print(f"CommandError: {error}")
        return error.returncode
    except SystemExit as end:
        return int(end.code or 0)
    return 0
