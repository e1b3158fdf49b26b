"""Spark beside the application: `make spark`. In a folder of its own and only when asked for: it takes 330 MB."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from deploy.local.cassandra import quick_start
from deploy.local.environment import child_environment
from deploy.local.layout import PROJECT_ROOT, PYTHON, Layout
from deploy.local.setup import JARS, fetch_jars, find_uv, run

LOCK = PROJECT_ROOT / "requirements-analytics.lock"
FOLDER = PROJECT_ROOT / ".local" / "spark"
SPARK_HOME = FOLDER / "pyspark"
JOB = PROJECT_ROOT / "payments_ledger" / "analytics" / "spark" / "job.py"

# One machine with two cores; on a cluster these are the cluster's own.
OPTIONS = {
    "spark.ui.enabled": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.sql.shuffle.partitions": "4",
    "spark.log.level": "ERROR",
}
MASTER = "local[2]"
DRIVER_MEMORY = "768m"


def ensure_spark() -> None:
    """PySpark of its lock file in .local/spark and the connector's jars in .local/jars/spark; quick when done before.

    Several may call it at once: one installs, the others wait. Raises StackError when it cannot be installed.
    """
    with _only_one():
        fetch_jars("spark")
        stamp = FOLDER / ".lock.sha256"
        digest = hashlib.sha256(LOCK.read_bytes()).hexdigest()
        if stamp.exists() and stamp.read_text() == digest:
            return
        print("installing Spark into .local/spark", flush=True)
        # A folder of its own until it is complete: an interrupted download must not pass for an installation.
        half = FOLDER.with_suffix(".part")
        shutil.rmtree(half, ignore_errors=True)
        install = [find_uv(), "pip", "install", "--quiet", "--python", str(PYTHON), "--target", str(half)]
        run([*install, "--require-hashes", "--requirements", str(LOCK)], "installing Spark")
        (half / ".lock.sha256").write_text(digest)
        shutil.rmtree(FOLDER, ignore_errors=True)
        half.rename(FOLDER)


def jars() -> str:
    """The connector's jars, as spark.jars wants them."""
    return ",".join(str(path) for path in sorted((JARS / "spark").glob("*.jar")))


def environment(layout: Layout) -> dict[str, str]:
    """What Spark's scripts and the job need to find each other and the stack."""
    return child_environment(layout) | {
        "SPARK_HOME": str(SPARK_HOME),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_PYTHON": str(PYTHON),
        "PYTHONPATH": str(PROJECT_ROOT),
    }


def submit_options(layout: Layout) -> list[str]:
    """What spark-submit is told on this machine: where the jars are, how much to take, and to listen to no other."""
    options = [part for name, value in OPTIONS.items() for part in ("--conf", f"{name}={value}")]
    # A progress bar is for people, not for files.
    options += ["--conf", f"spark.ui.showConsoleProgress={str(sys.stderr.isatty()).lower()}"]
    virtual_machine = ["--driver-java-options", " ".join(["-XX:+UseSerialGC", *quick_start(layout)])]
    return ["--master", MASTER, "--driver-memory", DRIVER_MEMORY, *virtual_machine, "--jars", jars(), *options]


def submit_command(layout: Layout, arguments: Sequence[str]) -> list[str]:
    """spark-submit of the ledger's job on this machine."""
    return [str(SPARK_HOME / "bin" / "spark-submit"), *submit_options(layout), str(JOB), *arguments]


def open_spark(layout: Layout, arguments: Sequence[str]) -> None:
    """Install Spark unless it is here; replace this process by the job, or only install when no job is named."""
    ensure_spark()
    if arguments:
        command = submit_command(layout, arguments)
        os.execve(command[0], command, environment(layout))


@contextmanager
def _only_one() -> Iterator[None]:
    FOLDER.parent.mkdir(parents=True, exist_ok=True)
    with open(FOLDER.with_suffix(".install-lock"), "w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
