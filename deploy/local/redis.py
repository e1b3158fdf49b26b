"""Redis of the stack: broker, cache and wake-ups. Append-only file on, so that a restart keeps queued hints."""

from __future__ import annotations

import shutil

from deploy.local.environment import ensure_secrets, write_private
from deploy.local.layout import Layout, StackError


def prepare(layout: Layout) -> None:
    """Write the configuration and the data folder."""
    folder = layout.home / "redis"
    folder.mkdir(parents=True, exist_ok=True)
    lines = [
        "bind 127.0.0.1",
        "protected-mode yes",
        f"port {layout.port('redis')}",
        f"requirepass {ensure_secrets(layout)['redis']}",
        f'dir "{folder}"',
        "daemonize no",
        "appendonly yes",
        "appendfsync everysec",
        'save ""',
        "maxmemory 256mb",
        "maxmemory-policy noeviction",
    ]
    write_private(folder / "redis.conf", "\n".join(lines) + "\n")


def server_command(layout: Layout) -> list[str]:
    program = shutil.which("redis-server")
    if program is None:
        raise StackError("Redis 7 is not installed (redis-server not found): run `make setup`")
    return [program, str(layout.home / "redis" / "redis.conf")]
