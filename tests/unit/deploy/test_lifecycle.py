"""What `make up` does about ports in use and leftovers of a crash."""

import os
import socket
import subprocess
import sys

import pytest

from deploy.local import lifecycle
from deploy.local.layout import Layout, StackError
from deploy.local.supervisor import Supervisor


@pytest.fixture
def layout(tmp_path) -> Layout:
    """A stack on ports that nothing else on this machine uses: one free port decides where it lies."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free = probe.getsockname()[1]
    return Layout(name="dev", port_base=free - 79, root=tmp_path)


def test_a_port_in_use_is_named_with_its_holder_and_the_way_out(layout):
    with socket.socket() as server:
        server.bind(("127.0.0.1", layout.port("redis")))
        server.listen()

        with pytest.raises(StackError) as refusal:
            lifecycle.check_ports(layout)

    text = str(refusal.value)
    assert f"port {layout.port('redis')} (redis) is held by pid {os.getpid()}" in text
    assert "PORT_BASE=<number> make up" in text


def test_a_leftover_of_this_stack_is_ended_and_another_stack_s_process_is_not(layout, tmp_path):
    sleep = [sys.executable, "-c", "import time; time.sleep(60)"]
    leftover = subprocess.Popen([*sleep, f"{layout.home}/kafka/kafka.properties"])
    other = subprocess.Popen([*sleep, f"{tmp_path}/.local/test/kafka/kafka.properties"])
    try:
        lifecycle.end_leftovers(layout, patience_seconds=0.2)

        assert leftover.wait(10) != 0
        assert other.poll() is None
    finally:
        for process in (leftover, other):
            process.kill()
            process.wait()


def test_wiping_keeps_the_lock_and_the_other_stack(layout):
    other = Layout(name="test", port_base=layout.port_base + 10000, root=layout.root)
    for stack in (layout, other):
        stack.make_folders()
        (stack.home / "kafka").mkdir()
        (stack.run / "lock").touch()
        stack.env_file.write_text("X=1\n")

    lifecycle.wipe(layout)

    assert sorted(path.name for path in layout.home.rglob("*")) == ["lock", "run"]
    assert (other.home / "kafka").is_dir()
    assert other.env_file.exists()


def test_a_supervisor_that_does_not_run_has_no_pid(layout):
    assert Supervisor(layout).pid() is None
