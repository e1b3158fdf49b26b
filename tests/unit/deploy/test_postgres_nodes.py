"""Which PostgreSQL node plays which part, and what a crash leaves behind."""

import os
import subprocess
import sys

import pytest

from deploy.local.layout import Layout
from deploy.local.postgres import Node, assign_parts, clear_stale_lock, node_of


@pytest.fixture
def layout(tmp_path) -> Layout:
    return Layout(name="dev", port_base=20000, root=tmp_path)


def test_node_a_is_primary_until_parts_are_assigned_otherwise(layout):
    assert (node_of(layout, "primary").letter, node_of(layout, "standby").letter) == ("a", "b")

    assign_parts(layout, primary=Node("b", layout))

    assert (node_of(layout, "primary").port, node_of(layout, "standby").port) == (20033, 20032)


def test_parts_may_be_assigned_again(layout):
    for letter in ("a", "b", "b", "a"):
        assign_parts(layout, primary=Node(letter, layout))

    assert (node_of(layout, "primary").letter, node_of(layout, "standby").letter) == ("a", "b")
    assert sorted(path.name for path in (layout.home / "postgres").iterdir()) == ["primary", "standby"]


def write_lock(node: Node, pid: int) -> None:
    node.data.mkdir(parents=True)
    (node.data / "postmaster.pid").write_text(f"{pid}\n{node.data}\n")


def test_a_lock_of_a_process_that_is_no_postmaster_of_this_node_is_removed(layout):
    node = Node("a", layout)
    write_lock(node, os.getpid())

    clear_stale_lock(node)

    assert not (node.data / "postmaster.pid").exists()


def test_the_lock_of_a_running_postmaster_of_this_node_stays(layout):
    node = Node("a", layout)
    command = [sys.executable, "-c", "import time; time.sleep(60)", str(layout.home / "postgres" / "primary" / "data")]
    postmaster = subprocess.Popen(command)
    try:
        write_lock(node, postmaster.pid)

        clear_stale_lock(node)
    finally:
        postmaster.kill()
        postmaster.wait()

    assert (node.data / "postmaster.pid").exists()
