"""`make check`: every static check, all of them run even when one fails."""

from __future__ import annotations

import os
import shutil
import subprocess
import time

from deploy.local.environment import child_environment
from deploy.local.layout import PROJECT_ROOT, PYTHON, layout_of

# A migration check needs settings but no database; these are not secrets of anything.
SETTINGS_ENVIRONMENT = {"SECRET_KEY": "check", "DEBUG": "false", "SERVED_OVER_TLS": "false"}


def commands() -> list[list[str]]:
    binaries = PYTHON.parent
    found = [
        [str(binaries / "ruff"), "check", "."],
        [str(binaries / "ruff"), "format", "--check", "."],
        [str(binaries / "mypy"), "."],
        [str(binaries / "lint-imports")],
        [str(PYTHON), "manage.py", "makemigrations", "--check", "--dry-run"],
    ]
    if composer := shutil.which("docker-compose"):
        found.append([composer, "-f", "docker-compose.yml", "config", "-q"])
    return found


def run_checks() -> int:
    """Run the checks one after the other; 0 when all are clean."""
    failed = []
    environment = child_environment(layout_of("dev")) | {"COLUMNS": "120"}
    if not layout_of("dev").env_file.exists():
        del environment["ENV_FILE"]
        environment |= SETTINGS_ENVIRONMENT
    for command in commands():
        began = time.monotonic()
        name = " ".join([os.path.basename(command[0]), *command[1:3]])
        done = subprocess.run(
            command,
            cwd=PROJECT_ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        verdict = "ok" if done.returncode == 0 else f"FAILED ({done.returncode})"
        print(f"{name:<42} {verdict}  {time.monotonic() - began:.1f} s", flush=True)
        if done.returncode != 0:
            print(done.stdout.rstrip(), flush=True)
            failed.append(name)
    print("check: clean" if not failed else f"check: {len(failed)} failed: {', '.join(failed)}")
    return 1 if failed else 0
