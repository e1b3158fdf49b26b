"""Processor time by program: how much of it an order costs says what bounds the rate, also on a busy machine."""

import os
from collections import defaultdict
from pathlib import Path

from deploy.local.layout import Layout
from deploy.local.supervisor import Supervisor

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def seconds_by_program(layout: Layout) -> dict[str, float]:
    """Processor seconds that each program of the stack, its children included, has used so far."""
    children: dict[int, list[int]] = defaultdict(list)
    used: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            pid, parent, ticks = _read(folder)
            children[parent].append(pid)
            used[pid] = ticks
    return {
        name: _of_tree(int(info["pid"]), children, used) / TICKS_PER_SECOND
        for name, info in Supervisor(layout).states().items()
        if info["pid"]
    }


def _read(folder: Path) -> tuple[int, int, int]:
    try:
        # The command, in parentheses, may hold anything; the fields behind it are numbers.
        fields = (folder / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return int(folder.name), 0, 0
    # Its own user and system time, and that of children that have ended.
    return int(folder.name), int(fields[1]), sum(int(value) for value in fields[11:15])


def _of_tree(pid: int, children: dict[int, list[int]], used: dict[int, int]) -> int:
    return used.get(pid, 0) + sum(_of_tree(child, children, used) for child in children[pid])
