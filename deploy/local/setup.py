"""`make setup`: everything a fresh clone needs, quick when done before. Runs on the system's Python, without .venv."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from deploy.local import debian
from deploy.local.environment import write_env
from deploy.local.layout import PROJECT_ROOT, PYTHON, StackError, layout_of

UV_VERSION = "0.13.8"
CQLSH_VERSION = "6.2.2"
TOOLS = PROJECT_ROOT / ".local" / "tools"
JARS = PROJECT_ROOT / ".local" / "jars"
LOCK = PROJECT_ROOT / "requirements-dev.lock"
PYTHON_NAMES = ("python3.12", "python3.11", "python3")
STEP_SECONDS_MAX = 900


def main() -> int:
    began = time.monotonic()
    try:
        if missing := debian.missing_packages():
            debian.install(missing)
        with ThreadPoolExecutor(max_workers=3) as pool:
            steps = [
                pool.submit(sync_environment),
                pool.submit(fetch_jars, "kafka"),
                pool.submit(fetch_jars, "cassandra"),
            ]
            for step in steps:
                step.result()
        write_env(layout_of("dev"))
    except StackError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"set up in {time.monotonic() - began:.1f} s")
    return 0


def run(command: list[str], what: str) -> str:
    """Run a command to its end; a failure raises with its last lines."""
    environment = {
        key: value for key, value in os.environ.items() if key not in ("PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV")
    }
    # A Python that uv would download is not the one this machine was given.
    environment |= {"UV_PYTHON_DOWNLOADS": "never", "UV_LINK_MODE": "copy"}
    done = subprocess.run(
        command,
        env=environment,
        cwd=PROJECT_ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=STEP_SECONDS_MAX,
        check=False,
    )
    if done.returncode != 0:
        raise StackError(f"{what} failed ({' '.join(command[:4])} …):\n{done.stdout.strip()[-2000:]}")
    return done.stdout


def base_python() -> str:
    """The interpreter .venv is made from: 3.11 or 3.12."""
    for name in (*PYTHON_NAMES, sys.executable):
        path = shutil.which(name)
        if path is not None and _version_of(path) in ("3.11", "3.12"):
            return path
    raise StackError("Python 3.11 or 3.12 is needed and none of python3.12, python3.11, python3 is one")


def _version_of(python: str) -> str:
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, timeout=30, check=False)
    return done.stdout.strip()


def find_uv() -> str:
    """uv from PATH when it works, else a pinned one in an environment of its own."""
    own = TOOLS / "uv" / "bin" / "uv"
    for candidate in (str(own), shutil.which("uv") or ""):
        # A pyenv shim may stand in PATH for an interpreter that has no uv.
        if (
            candidate
            and shutil.which(candidate)
            and subprocess.run([candidate, "--version"], capture_output=True).returncode == 0
        ):
            return candidate
    print(f"installing uv {UV_VERSION} into .local/tools", flush=True)
    run([base_python(), "-m", "venv", "--clear", str(TOOLS / "uv")], "making an environment for uv")
    run([str(TOOLS / "uv" / "bin" / "pip"), "install", "-q", f"uv=={UV_VERSION}"], "installing uv")
    return str(own)


def sync_environment() -> None:
    """Make .venv hold exactly the packages of requirements-dev.lock, compiled, with one owner of `cassandra`."""
    stamp = PROJECT_ROOT / ".venv" / ".lock.sha256"
    digest = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    if PYTHON.exists() and stamp.exists() and stamp.read_text() == digest:
        return
    uv = find_uv()
    if not PYTHON.exists():
        run([uv, "venv", "--clear", "--quiet", "--python", base_python(), ".venv"], "making .venv")
    sync = [uv, "pip", "sync", "--quiet", "--compile-bytecode", "--require-hashes", "--python", str(PYTHON), str(LOCK)]
    run(sync, "installing the locked packages")
    check_driver_owner()
    stamp.write_text(digest)


def check_driver_owner() -> None:
    """Raise unless cassandra-driver alone owns the package `cassandra`: of two the last installed wins silently."""
    code = "from importlib.metadata import packages_distributions as p; print(*sorted(set(p()['cassandra'])))"
    owners = run([str(PYTHON), "-c", code], "asking who owns the package cassandra").split()
    if owners != ["cassandra-driver"]:
        raise StackError(f"the import package `cassandra` belongs to {owners}, not to cassandra-driver alone")


def fetch_jars(server: str) -> None:
    """Copy the jars that the server's pom pins into .local/jars, which both stacks share."""
    pom = Path(__file__).parent / "poms" / server / "pom.xml"
    target = JARS / server
    stamp = target / ".pom.sha256"
    digest = hashlib.sha256(pom.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == digest:
        return
    print(f"fetching the jars of {server}", flush=True)
    # A folder of its own until it is complete: an interrupted download must not pass for an installation.
    half = JARS / f"{server}.part"
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir(parents=True)
    goal = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
    options = ["-DincludeScope=runtime", f"-DoutputDirectory={half}"]
    run(["mvn", "-B", "-q", "-f", str(pom), goal, *options], f"fetching the jars of {server}")
    (half / ".pom.sha256").write_text(digest)
    shutil.rmtree(target, ignore_errors=True)
    half.rename(target)


def ensure_cqlsh() -> Path:
    """cqlsh in an environment of its own, because it pins a driver of its own."""
    program = TOOLS / "cqlsh" / "bin" / "cqlsh"
    if not program.exists():
        uv = find_uv()
        folder = TOOLS / "cqlsh"
        run(
            [uv, "venv", "--clear", "--quiet", "--python", base_python(), str(folder)],
            "making an environment for cqlsh",
        )
        install = [
            uv,
            "pip",
            "install",
            "--quiet",
            "--python",
            str(folder / "bin" / "python"),
            f"cqlsh=={CQLSH_VERSION}",
        ]
        run(install, "installing cqlsh")
    return program


if __name__ == "__main__":
    sys.exit(main())
