"""Installing the servers from Debian's or Ubuntu's packages without letting them start servers of their own."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from deploy.local.layout import StackError

POLICY = Path("/usr/sbin/policy-rc.d")
POLICY_BODY = "#!/bin/sh\n# Countinghouse's set-up: installed services must not start.\nexit 101\n"
CREATE_CLUSTER = Path("/etc/postgresql-common/createcluster.d/countinghouse.conf")
POSTGRES_MAJOR_MIN = 15


def missing_packages() -> list[str]:
    """Debian packages that this machine lacks."""
    wanted = {
        "postgresql": _has_postgres(),
        "redis-server": shutil.which("redis-server") is not None,
        "openjdk-17-jre-headless": shutil.which("java") is not None,
        "maven": shutil.which("mvn") is not None,
        "util-linux": shutil.which("setpriv") is not None,
        # The tour in the README calls the API with it, and the tests take the tour.
        "curl": shutil.which("curl") is not None,
        # Debian's python3 comes without ensurepip, and without that `venv` makes no usable environment.
        "python3-venv": importlib.util.find_spec("ensurepip") is not None,
    }
    return [package for package, is_there in wanted.items() if not is_there]


def _has_postgres() -> bool:
    installed = [path for path in Path("/usr/lib/postgresql").glob("*/bin/initdb") if path.is_file()]
    majors = [int(path.parent.parent.name) for path in installed if path.parent.parent.name.isdigit()]
    return any(major >= POSTGRES_MAJOR_MIN for major in majors) or shutil.which("initdb") is not None


def install(packages: list[str]) -> None:
    """Install the packages as root; otherwise raise with the command to run."""
    command = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
    if shutil.which("apt-get") is None:
        raise StackError(f"these are missing and there is no apt-get to install them: {', '.join(packages)}")
    if os.geteuid() != 0:
        raise StackError(f"run this, then `make setup` again:\n{commands_for_a_person(command)}")
    print(f"installing {', '.join(packages)} with apt-get", flush=True)
    with services_held_back():
        if _apt(command) != 0:
            _apt(["apt-get", "update"])
            if (code := _apt(command, quiet=False)) != 0:
                raise StackError(f"{' '.join(command)} failed with exit code {code}")
    still = [package for package in missing_packages() if package in packages]
    if "postgresql" in still:
        raise StackError(f"PostgreSQL {POSTGRES_MAJOR_MIN} or newer is needed and this distribution's is older")


def commands_for_a_person(install_command: list[str]) -> str:
    """The shell lines that install the packages without leaving their own servers running."""
    lines = [
        f"sudo mkdir -p {CREATE_CLUSTER.parent}",
        f"echo 'create_main_cluster = false' | sudo tee {CREATE_CLUSTER}",
        f"sudo {' '.join(install_command)}",
    ]
    if "redis-server" in install_command:
        lines.append("sudo systemctl disable --now redis-server")
    return "\n".join(f"  {line}" for line in lines)


def _apt(command: list[str], *, quiet: bool = True) -> int:
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    # A configuration file we wrote before the package came must neither stop the install nor be replaced by it.
    keep = ["-o", "Dpkg::Options::=--force-confold", "-o", "Dpkg::Lock::Timeout=120"]
    done = subprocess.run(
        [command[0], *keep, *command[1:]], env=environment, capture_output=quiet, stdin=subprocess.DEVNULL, check=False
    )
    return done.returncode


@contextlib.contextmanager
def services_held_back() -> Iterator[None]:
    """While inside, installed packages start no service and create no PostgreSQL cluster; both files are put back."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(replaced(POLICY, POLICY_BODY, mode=0o755))
        stack.enter_context(replaced(CREATE_CLUSTER, "create_main_cluster = false\n", mode=0o644))
        yield


@contextlib.contextmanager
def replaced(path: Path, body: str, *, mode: int) -> Iterator[None]:
    """The file has this body inside, and afterwards what it had before (or what a package put there meanwhile)."""
    before = (path.read_bytes(), path.stat().st_mode & 0o7777) if path.exists() else None
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(body)
    path.chmod(mode)
    try:
        yield
    finally:
        if before is not None:
            path.write_bytes(before[0])
            path.chmod(before[1])
        elif path.exists() and path.read_text() == body:
            path.unlink()
