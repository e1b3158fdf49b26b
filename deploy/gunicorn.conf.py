"""gunicorn: threads in two processes; where it listens follows from WEB_BIND, else from the port of WEB_URL."""

import ctypes
import logging
import os
import signal
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit


def bind_address() -> str:
    if "WEB_BIND" in os.environ:
        return os.environ["WEB_BIND"]
    url = os.environ.get("WEB_URL", "")
    env_file = Path(os.environ.get("ENV_FILE", ""))
    if not url and env_file.is_file():
        lines = [line.strip() for line in env_file.read_text().splitlines()]
        url = next((line.removeprefix("WEB_URL=") for line in lines if line.startswith("WEB_URL=")), "")
    return f"127.0.0.1:{urlsplit(url).port or 8000}"


bind = bind_address()
worker_class = "gthread"
workers = int(os.environ.get("WEB_WORKERS", "2"))
threads = int(os.environ.get("WEB_THREADS", "8"))
# No preload: database, Kafka and Cassandra clients must be made in the process that uses them, never before a fork.
preload_app = False
timeout = 60
# Longer than anybody may wait for an outcome (Prefer: wait), so that a restart cuts nobody off.
graceful_timeout = 22
keepalive = 30
# Heartbeats go through a file that gunicorn touches; on a disk they could stall with it.
worker_tmp_dir = "/dev/shm"
accesslog = None
errorlog = "-"
# The supervisor is the one way to control it; the socket would lie in the user's home.
control_socket_disable = True

PR_SET_PDEATHSIG = 1
SWITCH_SECONDS = 0.0005


def post_fork(server: object, worker: object) -> None:
    """A killed master takes its workers with it at once: orphans would keep the port from its successor for 10 s.

    Threads give way to each other sooner than Python's 5 ms: one that has just been answered by PostgreSQL may hold a
    lock that others wait for, and must not queue behind eight that render JSON.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
    # Not SIGQUIT: its handler stops the pool of threads and waits for a lock that the interrupted code may hold itself.
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def post_worker_init(worker: Any) -> None:
    """gunicorn's own lines, some of which quote a request, go the way of all others: one JSON object, masked."""
    for handler in worker.log.error_log.handlers:
        handler.setFormatter(logging.getLogger().handlers[0].formatter)
