"""The two nodes of the commit log's benchmark differ in what is compared, and in nothing else."""

import difflib

import pytest

from benchmarks.commitlog import in_mode
from deploy.local.cassandra import CONFIGURATION


def test_the_nodes_differ_in_the_sync_of_the_commit_log_alone():
    batch, periodic = (in_mode(mode, CONFIGURATION).splitlines() for mode in ("batch", "periodic"))

    changed = [line for line in difflib.ndiff(batch, periodic) if line[0] in "+-"]

    assert changed == ["- commitlog_sync: batch", "+ commitlog_sync: periodic", "+ commitlog_sync_period: 10000ms"]


def test_a_configuration_that_would_not_change_is_refused():
    with pytest.raises(ValueError, match="both nodes would be the same"):
        in_mode("periodic", CONFIGURATION.replace("commitlog_sync: batch", "commitlog_sync: group"))
