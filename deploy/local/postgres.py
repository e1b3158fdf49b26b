"""PostgreSQL of the stack: two nodes, a and b, one of them primary, the other its synchronous streaming standby.

Each node has a data directory and a configuration file outside it (a base backup or a rewind replaces what lies
inside). Two symlinks, `primary` and `standby`, say which node plays which part; the supervisor's programs start from
the symlinks, so that their names stay true after a promotion.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from deploy.local.environment import child_environment, ensure_secrets, write_private
from deploy.local.layout import Layout, StackError
from deploy.local.processes import command_of, is_running

OS_USER = "postgres"
SUPERUSER = "postgres"
REPLICATOR = "countinghouse_replicator"
NODES = ("a", "b")
PARTS = ("primary", "standby")
# In the folder of an old primary: it must be rewound or copied anew before it may follow, and never lead.
FENCED = "fenced"
# Fast shutdown; TERM would wait for every client to leave.
STOP_SIGNAL = "INT"


@dataclass(frozen=True, slots=True)
class Node:
    """One PostgreSQL node: its letter, its folder and its port."""

    letter: str
    layout: Layout

    @property
    def folder(self) -> Path:
        return self.layout.home / "postgres" / self.letter

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def port(self) -> int:
        return self.layout.port(f"postgres node {self.letter}")

    @property
    def slot(self) -> str:
        return f"node_{self.letter}"

    @property
    def is_initialised(self) -> bool:
        return (self.data / "PG_VERSION").exists()

    @property
    def is_standby(self) -> bool:
        """Whether the node would start as a standby."""
        return (self.data / "standby.signal").exists()

    @property
    def other(self) -> Node:
        return Node("b" if self.letter == "a" else "a", self.layout)


def node_of(layout: Layout, part: str) -> Node:
    """The node that plays `primary` or `standby`; before the first start a is primary."""
    link = layout.home / "postgres" / part
    if link.is_symlink():
        return Node(os.readlink(link), layout)
    return Node(NODES[PARTS.index(part)], layout)


def assign_parts(layout: Layout, *, primary: Node) -> None:
    """Point the two symlinks; each is replaced at once, the standby's first, so that no moment has two primaries."""
    folder = layout.home / "postgres"
    folder.mkdir(parents=True, exist_ok=True)
    for part, node in (("standby", primary.other), ("primary", primary)):
        temporary = folder / f"{part}.new"
        temporary.unlink(missing_ok=True)
        temporary.symlink_to(node.letter)
        temporary.replace(folder / part)


def binary(name: str) -> str:
    """Path of a PostgreSQL server program; Debian keeps them out of PATH."""
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name.split(".")[0]))
    for folder in reversed(installed):
        if int(folder.parent.name) >= 15 and (folder / name).exists():
            return str(folder / name)
    found = shutil.which(name)
    if found is None:
        raise StackError(f"PostgreSQL 15 or newer is not installed ({name} not found): run `make setup`")
    return found


def as_postgres(command: list[str], *, death_signal: str | None = None) -> list[str]:
    """The command run as the postgres user when we are root, which PostgreSQL refuses to run as.

    The kernel sends the death signal when the parent ends. It belongs here: a change of user forgets an earlier one.
    """
    guard = ["--pdeathsig", death_signal] if death_signal else []
    if os.geteuid() != 0:
        return ["/usr/bin/setpriv", *guard, "--", *command] if guard else command
    # The clone may lie below a folder only root may enter (/root is 0700): the capability to search and read
    # folders goes along with the process; writing still needs ownership.
    privileges = ["--reuid", OS_USER, "--regid", OS_USER, "--init-groups"]
    capability = ["--inh-caps", "+dac_read_search", "--ambient-caps", "+dac_read_search"]
    return ["/usr/bin/setpriv", *privileges, *capability, *guard, "--", *command]


def own(path: Path) -> None:
    """Give the path to the postgres user, when we are root."""
    if os.geteuid() == 0:
        user = pwd.getpwnam(OS_USER)
        os.chown(path, user.pw_uid, user.pw_gid)


def run_tool(layout: Layout, command: list[str], *, password: str | None = None) -> None:
    """Run a PostgreSQL program to its end as its user; a failure raises with its output."""
    environment = child_environment(layout) | {"LC_ALL": "C.UTF-8"}
    if password is not None:
        environment["PGPASSWORD"] = password
    done = subprocess.run(
        as_postgres(command), env=environment, capture_output=True, text=True, timeout=300, check=False, cwd="/"
    )
    if done.returncode != 0:
        raise StackError(f"{Path(command[0]).name} failed ({done.returncode}): {(done.stderr or done.stdout).strip()}")


def initialise(node: Node) -> None:
    """Make an empty cluster with data checksums; a half-made one from an interrupted start is thrown away first."""
    prepare_folder(node)
    password_file = node.folder / "superuser.password"
    write_private(password_file, ensure_secrets(node.layout)["superuser"] + "\n")
    own(password_file)
    options = ["--data-checksums", "--encoding=UTF8", "--locale=C.UTF-8", "--auth=scram-sha-256", "--no-instructions"]
    user = [f"--username={SUPERUSER}", f"--pwfile={password_file}"]
    try:
        run_tool(node.layout, [binary("initdb"), "-D", str(node.data), *options, *user])
    finally:
        password_file.unlink()


def prepare_folder(node: Node) -> None:
    """An empty data directory that belongs to the postgres user."""
    shutil.rmtree(node.data, ignore_errors=True)
    node.data.mkdir(parents=True)
    node.data.chmod(0o700)
    own(node.folder)
    own(node.data)


def copy_primary(node: Node) -> None:
    """Make the node a standby by a fresh base backup of the other one, which must run as primary."""
    prepare_folder(node)
    secret = ensure_secrets(node.layout)["replicator"]
    source = ["-h", "127.0.0.1", "-p", str(node.other.port), "-U", REPLICATOR, "-S", node.slot]
    command = [binary("pg_basebackup"), "-D", str(node.data), "-X", "stream", "-c", "fast", *source]
    run_tool(node.layout, command, password=secret)
    mark_standby(node)


def mark_standby(node: Node) -> None:
    """Make the node start as a standby. Nothing but a promotion takes this mark away again."""
    signal_file = node.data / "standby.signal"
    signal_file.touch(mode=0o600)
    own(signal_file)


def server_command(layout: Layout, part: str) -> list[str]:
    """The command of the program `postgres-primary` or `postgres-standby`."""
    folder = layout.home / "postgres" / part
    command = [binary("postgres"), "-D", str(folder / "data"), "-c", f"config_file={folder / 'postgresql.conf'}"]
    return as_postgres(command, death_signal=STOP_SIGNAL)


def clear_stale_lock(node: Node) -> None:
    """Remove a postmaster.pid that names no postmaster of this node: PostgreSQL would not start beside a zombie's."""
    lock = node.data / "postmaster.pid"
    if not lock.exists():
        return
    pid = int(lock.read_text().split("\n", 1)[0])
    if not is_running(pid) or str(node.folder.parent) not in command_of(pid):
        lock.unlink()
