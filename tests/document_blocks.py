"""The shell blocks of a document, run as a reader would run them, against the stack under test."""

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from core.env import env
from deploy.local.control import Stack
from deploy.local.environment import read_env
from deploy.local.layout import TEST_STACK_DISTANCE

ROOT = Path(__file__).resolve().parents[1]
SECONDS_MAX = 180
# Where a document's reader has the development stack.
DEVELOPMENT_URL = "http://127.0.0.1:18000"


def blocks_of(document: str, mark: str) -> dict[str, str]:
    """Name → shell text of every block below a comment `<!-- mark: name -->`, in the document's order."""
    return dict(re.findall(rf"<!-- {mark}: (\w+) -->\n```bash\n(.*?)```", document, re.DOTALL))


def run(blocks: Mapping[str, str], folder: Path, *, make: str, names: Mapping[str, str]) -> dict[str, str]:
    """Run the blocks in one shell; block → what it printed. Fails when the shell does.

    The documents are written for the development stack: the shell function `make` leads their `make` to this one, and
    `names` is what the shell's environment has besides the caller's.
    """
    stack = Stack.from_env()
    local = folder / "local"
    local.write_text(f'#!/bin/sh\nexec .venv/bin/python -m deploy.local "$@" --stack {stack.layout.name}\n')
    local.chmod(0o755)
    script = "set -eu -o pipefail\n" + make
    script += "".join(f'printf "\\n@@ {name}\\n"\n{text}\n' for name, text in blocks.items())
    # Neither what `make test` was given nor what this process has read from its env file may reach the blocks.
    foreign = {"MAKEFLAGS", "MFLAGS", "MAKELEVEL", "ARGS", *read_env(stack.layout.env_file)}
    inherited = {name: value for name, value in os.environ.items() if name not in foreign}
    own = {
        "ENV_FILE": str(stack.layout.env_file),
        "LOCAL_COMMAND": str(local),
        "PORT_BASE": str(stack.layout.port_base - (TEST_STACK_DISTANCE if stack.layout.name == "test" else 0)),
    }
    done = subprocess.run(
        ["bash", "-c", script.replace(DEVELOPMENT_URL, env.str("WEB_URL"))],
        cwd=ROOT,
        env={**inherited, **own, **names},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    parts = re.split(r"^@@ (\w+)\n", done.stdout, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))
