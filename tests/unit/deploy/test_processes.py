"""What /proc says about processes and ports."""

import os
import signal
import socket
import subprocess
import sys
import time

from deploy.local import processes
from tests.waiting import eventually


def test_a_zombie_does_not_count_as_running():
    child = subprocess.Popen([sys.executable, "-c", "pass"])
    deadline = time.monotonic() + 10
    while processes.is_running(child.pid) and time.monotonic() < deadline:
        time.sleep(0.01)

    # Not waited for, so its pid is still there.
    os.kill(child.pid, 0)
    assert not processes.is_running(child.pid)

    child.wait()
    assert not processes.is_running(child.pid)


def test_the_holder_of_a_port_is_named():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]

        assert not processes.is_port_free(port)
        holder = processes.holder_of(port)

    assert holder is not None
    assert (holder.pid, holder.command) == (os.getpid(), processes.command_of(os.getpid()))
    assert processes.is_port_free(port)
    assert processes.holder_of(port) is None


def test_a_process_that_ignores_the_first_signal_is_killed():
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('on', flush=True); time.sleep(60)"
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.readline() == b"on\n"

    processes.end_process(child.pid, patience_seconds=0.3)

    assert child.wait(10) == -signal.SIGKILL


def test_this_process_and_its_ancestors_are_never_leftovers():
    marker = f"marker-{os.getpid()}"
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", marker])
    try:
        # The kernel shows a new program's arguments a moment after Popen has returned.
        found = eventually(lambda: processes.processes_naming(marker), seconds_max=5, what="the child has its name")
    finally:
        child.kill()
        child.wait()

    assert [process.pid for process in found] == [child.pid]
    own = processes.command_of(os.getpid())
    assert os.getpid() not in [process.pid for process in processes.processes_naming(own)]
