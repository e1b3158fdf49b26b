"""The web server: `python -m deploy.web`. Granian, because its HTTP costs a third of what a pure Python server's does.

Where it listens follows from WEB_BIND, else from the port of WEB_URL in the environment or the env file.
"""

import ctypes
import gc
import logging
import multiprocessing
import os
import signal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from granian import Granian
from granian.constants import Interfaces

# Seconds a stopping process may take to answer what it has: longer than anybody may wait for an outcome (Prefer: wait).
STOP_SECONDS_MAX = 22
# The longest the server allows: an idle thread that ends closes its database session, and the next one opens another.
IDLE_THREAD_SECONDS = 600
PR_SET_PDEATHSIG = 1
# Requests make few cycles, so the default of 700 looks for them far too often.
COLLECT_AFTER_ALLOCATIONS = 20_000


def bind_address() -> tuple[str, int]:
    """Host and port to listen at."""
    if "WEB_BIND" in os.environ:
        host, _, port = os.environ["WEB_BIND"].rpartition(":")
        return host, int(port)
    url = os.environ.get("WEB_URL", "")
    env_file = Path(os.environ.get("ENV_FILE", ""))
    if not url and env_file.is_file():
        lines = [line.strip() for line in env_file.read_text().splitlines()]
        url = next((line.removeprefix("WEB_URL=") for line in lines if line.startswith("WEB_URL=")), "")
    return "127.0.0.1", urlsplit(url).port or 8000


def application() -> Any:
    """The application of one worker process; called once in each, before its first request.

    A killed master takes its workers with it at once: orphans would go on answering beside its successor.
    """
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    from core.wsgi import application

    # What is loaded by now stays for good: counting it anew in every full collection would stop all threads for long.
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER_ALLOCATIONS)
    # The server's own lines, some of which quote a request, go the way of all others: one JSON object, masked.
    logging.getLogger("_granian").handlers.clear()
    logging.getLogger("_granian").propagate = True
    return application


def main() -> None:
    # A worker starts as a new interpreter: nothing the master has opened or locked is in it.
    multiprocessing.set_start_method("spawn")
    host, port = bind_address()
    Granian(
        "deploy.web:application",
        factory=True,
        interface=Interfaces.WSGI,
        address=host,
        port=port,
        workers=int(os.environ.get("WEB_WORKERS", "2")),
        blocking_threads=int(os.environ.get("WEB_THREADS", "8")),
        blocking_threads_idle_timeout=IDLE_THREAD_SECONDS,
        websockets=False,
        respawn_failed_workers=True,
        workers_kill_timeout=STOP_SECONDS_MAX,
    ).serve()


if __name__ == "__main__":
    main()
