"""Facts about processes and ports, read from /proc."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import time
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
LISTEN_STATE = "0A"


@dataclass(frozen=True, slots=True)
class Process:
    pid: int
    command: str


def is_running(pid: int) -> bool:
    """Whether the process exists and is no zombie: where pid 1 does not reap, dead orphans keep their pid."""
    try:
        stat = (PROC / str(pid) / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] not in ("Z", "X")


def command_of(pid: int) -> str:
    """The process's command line, empty when it is gone."""
    try:
        return (PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def all_pids() -> list[int]:
    return [int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit()]


def processes_naming(text: str) -> list[Process]:
    """Running processes whose command line contains the text, this one and its ancestors excepted."""
    own = _ancestors(os.getpid())
    found = [Process(pid, command_of(pid)) for pid in all_pids() if pid not in own]
    return [process for process in found if text in process.command and is_running(process.pid)]


def _ancestors(pid: int) -> set[int]:
    seen = set()
    while pid > 1:
        seen.add(pid)
        pid = int((PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[1])
    return seen


def is_port_free(port: int) -> bool:
    """Whether a server could listen on 127.0.0.1:port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def holder_of(port: int) -> Process | None:
    """The process that listens on the port, or None when it cannot be seen (another user's)."""
    inodes = set()
    for table in ("tcp", "tcp6"):
        path = PROC / "net" / table
        rows = [line.split() for line in path.read_text().splitlines()[1:]] if path.exists() else []
        inodes |= {row[9] for row in rows if row[3] == LISTEN_STATE and int(row[1].rpartition(":")[2], 16) == port}
    wanted = {f"socket:[{inode}]" for inode in inodes}
    for pid in all_pids() if wanted else []:
        if _holds_any(pid, wanted):
            return Process(pid, command_of(pid))
    return None


def _holds_any(pid: int, links: set[str]) -> bool:
    try:
        return any(os.readlink(entry) in links for entry in (PROC / str(pid) / "fd").iterdir())
    except OSError:
        return False


def end_process(pid: int, *, first: signal.Signals = signal.SIGTERM, patience_seconds: float = 10.0) -> None:
    """The first signal, then SIGKILL when the process is still there after the patience."""
    for signal_number in (first, signal.SIGKILL):
        try:
            os.kill(pid, signal_number)
        except ProcessLookupError:
            return
        deadline = time.monotonic() + patience_seconds
        while time.monotonic() < deadline:
            if not is_running(pid):
                return
            time.sleep(0.05)


def proportional_memory_bytes(pid: int) -> int:
    """The process's PSS: shared pages are counted once over all their users."""
    try:
        for line in (PROC / str(pid) / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def children_of(pid: int) -> list[int]:
    """Pids whose parent this process is."""
    found = []
    for task in (PROC / str(pid) / "task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += [int(text) for text in task.read_text().split()]
    return found
